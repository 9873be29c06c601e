"""A ``Disk`` for diskcache that takes bytes, gives bytes, and believes nothing of what it finds.

diskcache unpickles what its rows say is a pickle, and opens whatever file they name (CVE-2025-69872; its ``JSONDisk``
does both before it looks). Values of ours lie in their rows: here no pickle is read or written, and no file.
"""

from __future__ import annotations

from typing import Any, Final

import diskcache
from diskcache.core import MODE_RAW, UNKNOWN

INLINE: Final = 2**31 - 1
"""``disk_min_file_size``: values below it lie in their rows, whole or not at all."""


class Planted(ValueError):
    """A row that is not of our making."""


class SafeDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache has no types
    """Keys are bytes or text, values are bytes; anything else in a row is refused, not read."""

    def put(self, key: Any) -> tuple[Any, bool]:
        """Return *key* as a row has it."""
        if type(key) not in (bytes, str):
            raise TypeError("a key is bytes or text")
        return super().put(key)  # type: ignore[no-any-return]

    def get(self, key: Any, raw: Any) -> bytes | str:
        """Return the key of a row."""
        if not raw or type(key) not in (bytes, str):
            raise Planted("a key that is neither bytes nor text")
        return key  # type: ignore[no-any-return]

    def store(self, value: Any, read: Any, key: Any = UNKNOWN) -> tuple[int, int, None, Any]:
        """Return *value* as a row has it."""
        if read or type(value) is not bytes:
            raise TypeError("a value is bytes")
        return super().store(value, read, key=key)  # type: ignore[no-any-return]

    def fetch(self, mode: Any, filename: Any, value: Any, read: Any) -> bytes:
        """Return the value of a row."""
        if mode != MODE_RAW or filename is not None or type(value) is not bytes:
            raise Planted("a value that is not bytes in its row")
        return value

    def filename(self, key: Any = UNKNOWN, value: Any = UNKNOWN) -> tuple[str, str]:
        """Refuse to make a file."""
        raise TypeError("values are kept in rows, not in files")

    def remove(self, file_path: Any) -> None:
        """Refuse to remove a file: none is ours."""
        raise Planted("a row that names a file")
