"""Two pages take a file: a body that brings one to any other is refused before anything of it is kept."""

import io
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

from incidents.operations.recovery_imports import MOST_BYTES
from incidents.queries.verification import MOST_FILE_BYTES

TAKES_FILES = "admin:incidents_recoveryimport_add"
"""The page of a file of recoveries, …"""
MAY_SEND = "incidents.change_recovery"
"""… and the right without which nothing that is sent there is kept."""
VERIFIES = "web:verify"
"""The public page to which anybody may show a statement."""
_REST_OF_FORM = 64 * 1024
_MOST_READ = 10 * MOST_BYTES
"""A file that is too large is read to its end up to here, though not kept: a browser shows no answer
before it has sent everything, and the form is to say what is wrong."""


class TwoPagesTakeAFile(FileUploadHandler):
    """Answers 400 to a form with a file in it, or with more than a form may hold; but for two pages.

    Django's own handlers write any file of anybody's to the disk while they read the form, without
    a limit, also where no page asks for one. Here one file, up to a size that is known before it is
    read, is kept in memory until the page has it; and only of somebody who may send it there. Of a larger
    one the page gets its size alone.
    """

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803 - Django's name
        content_length: int,
        boundary: Any,
        encoding: Any = None,
    ) -> None:
        self._most_kept, most_read = _limits(self.request)
        self._takes_one = self._most_kept > 0
        most = most_read + _REST_OF_FORM if self._takes_one else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if content_length > most:
            raise RequestDataTooBig("A form is larger than this form may be.")

    def new_file(self, *positional: Any, **named: Any) -> None:
        if not self._takes_one:
            raise RequestDataTooBig("No file is taken here, or not a second one.")
        self._takes_one = False
        super().new_file(*positional, **named)
        self._kept = io.BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > self._most_kept:
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


def _limits(request: HttpRequest | None) -> tuple[int, int]:
    """How many bytes of a file are kept and read at most where the form is sent to; 0 where none is taken.

    By the staff's page only of somebody whom the door has let in for that.
    """
    match = getattr(request, "resolver_match", None)
    user = getattr(request, "user", None)
    if match and match.view_name == VERIFIES:
        return MOST_FILE_BYTES, 4 * MOST_FILE_BYTES
    if match and match.view_name == TAKES_FILES and user and user.has_perm(MAY_SEND):
        return MOST_BYTES, _MOST_READ
    return 0, 0
