"""One page takes files: a body that brings one to any other is refused before anything of it is kept."""

import io
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

from incidents.operations.recovery_imports import MOST_BYTES

TAKES_FILES = "admin:incidents_recoveryimport_add"
"""The page of a file of recoveries, …"""
MAY_SEND = "incidents.change_recovery"
"""… and the right without which nothing that is sent there is kept."""
_REST_OF_FORM = 64 * 1024
_MOST_READ = 10 * MOST_BYTES
"""A file that is too large is read to its end up to here, though not kept: a browser shows no answer
before it has sent everything, and the form is to say what is wrong."""


class OnePageTakesFiles(FileUploadHandler):
    """Answers 400 to a form with a file in it, or with more than a form may hold; but for one page.

    Django's own handlers write any file of anybody's to the disk while they read the form, without
    a limit, also where no page asks for one. Here one file, up to a size that is known before it is
    read, is kept in memory until the page has it; and only of somebody who may send it. Of a larger one
    the page gets its size alone.
    """

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803 - Django's name
        content_length: int,
        boundary: Any,
        encoding: Any = None,
    ) -> None:
        self._takes_one = _takes_files(self.request)
        most = _MOST_READ + _REST_OF_FORM if self._takes_one else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if content_length > most:
            raise RequestDataTooBig("A form is larger than this form may be.")

    def new_file(self, *positional: Any, **named: Any) -> None:
        if not self._takes_one:
            raise RequestDataTooBig("No file is taken here, or not a second one.")
        self._takes_one = False
        super().new_file(*positional, **named)
        self._kept = io.BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > MOST_BYTES:
            self._kept = io.BytesIO()
        else:
            self._kept.write(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        self._kept.seek(0)
        return InMemoryUploadedFile(
            file=self._kept,
            field_name=self.field_name,
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
        )


def _takes_files(request: HttpRequest | None) -> bool:
    """Whether a form is sent to the page for files by somebody whom the door has let in for that."""
    match = getattr(request, "resolver_match", None)
    user = getattr(request, "user", None)
    return bool(match and match.view_name == TAKES_FILES and user and user.has_perm(MAY_SEND))
