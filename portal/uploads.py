"""No page takes files: a body that brings one is refused before anything of it is kept."""

from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler


class NoFiles(FileUploadHandler):
    """Answers 400 to a form with a file in it, or with more than a form may hold.

    Django's own handlers write any file of anybody's to the disk while they read the form, without
    a limit, also where no page asks for one.
    """

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803 - Django's name
        content_length: int,
        boundary: Any,
        encoding: Any = None,
    ) -> None:
        if content_length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("A form is larger than a form may be.")

    def new_file(self, *_: Any, **__: Any) -> NoReturn:
        raise RequestDataTooBig("No page takes files.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> NoReturn:
        raise RequestDataTooBig("No page takes files.")

    def file_complete(self, file_size: int) -> None:
        """Never reached: `new_file` has refused."""
