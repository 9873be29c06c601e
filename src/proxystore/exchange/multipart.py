"""Reading one field out of a multipart form that is still arriving."""

from __future__ import annotations

import re
from typing import Final

_BOUNDARY: Final = re.compile(rb';\s*boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))', re.IGNORECASE)
_NAME: Final = re.compile(rb'content-disposition:[^\r\n]*?[;\s]name="?([^";\r\n]+)"?', re.IGNORECASE)


def boundary_of(content_type: bytes) -> bytes | None:
    """Return the boundary that a ``multipart/form-data`` content type names."""
    if not content_type.lower().startswith(b"multipart/form-data"):
        return None
    found = _BOUNDARY.search(content_type)
    return (found[1] or found[2]) if found else None


class FieldSeeker:
    """Looks for the field *name* in a form that is still arriving; each byte is looked at once (RFC 7578).

    Attributes:
        value: The field's value, once it has arrived whole.
    """

    __slots__ = ("_delimiter", "_name", "_part", "_seen", "value")

    def __init__(self, boundary: bytes, name: bytes) -> None:
        self._delimiter = b"--" + boundary
        self._name = name
        self._part = -1  # where the current part begins
        self._seen = 0
        self.value: bytes | None = None

    def __call__(self, form: bytearray) -> bool:
        """Look at what *form* has grown by; tell whether :attr:`value` is known."""
        while self.value is None:
            end = form.find(self._delimiter, self._seen)
            if end < 0:
                self._seen = max(self._seen, len(form) - len(self._delimiter))
                return False
            if self._part >= 0:
                self.value = self._value_in(bytes(form[self._part : end]))
            self._part = self._seen = end + len(self._delimiter)
        return True

    def _value_in(self, part: bytes) -> bytes | None:
        head, is_whole, value = part.partition(b"\r\n\r\n")
        named = _NAME.search(head)
        matches = is_whole and named is not None and named[1] == self._name
        return value.removesuffix(b"\r\n") if matches else None
