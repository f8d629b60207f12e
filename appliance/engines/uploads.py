"""A bound for what browsers send: more than any screen asks for is not read at all."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

from appliance.engines.learning import UPLOAD_BYTES

_AROUND_BYTES = 1024 * 1024  # for the form around the file


class BoundedUpload(FileUploadHandler):
    """Stands before Django's own handlers and refuses a request that is too large (400)."""

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *rest: Any) -> None:
        if content_length > UPLOAD_BYTES + _AROUND_BYTES:
            raise RequestDataTooBig("more than any screen asks for")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
