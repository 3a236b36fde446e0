"""What is too large to be taken is thrown away while it arrives: neither memory nor disk holds it as a whole."""

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

NAMES = "_files_refused"


class RefuseTooLarge(FileUploadHandler):
    """First in FILE_UPLOAD_HANDLERS: a file that grows beyond FILE_BYTES is skipped, and its name remembered.

    So is what comes after all of them have grown beyond what one article holds and a file more (that a form may still say
    so), and every file of whoever is not logged in: no page takes any from them.
    """

    seen = whole = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.seen = 0
        user = getattr(self.request, "user", None)
        if user is None or not user.is_authenticated:
            raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:  # noqa: ARG002  (Django's signature)
        self.seen += len(raw_data)
        self.whole += len(raw_data)
        if self.seen > settings.FILE_BYTES or self.whole > settings.FILES_BYTES + settings.FILE_BYTES:
            vars(self.request).setdefault(NAMES, []).append(str(self.file_name))
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:  # noqa: ARG002  (the handlers after this one keep it)
        return None


def refused(request: HttpRequest) -> list[str]:
    """Names of files of this request that were larger than FILE_BYTES, or came when there was too much already."""
    names: list[str] = getattr(request, NAMES, [])
    return names
