"""System calls that are over before another thread could make use of the time.

While `os.write` waits for the system it lets other threads have the interpreter, and one that has work to do keeps it
for up to five milliseconds, on another core. To copy a few hundred bytes into the system's memory takes half a
microsecond: asked this way, nobody else gets a turn for that.
"""

from __future__ import annotations

import ctypes
import os
from typing import Final

_write: Final = ctypes.PyDLL(None, use_errno=True).write
_write.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t)
_write.restype = ctypes.c_ssize_t


def write(file: int, data: bytes) -> int:
    """Do what `os.write` does, for a file on a disk: it must not be one that can be waited for.

    Raises:
        OSError: As `os.write` does.
    """
    written: int = _write(file, data, len(data))
    if written < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return written
