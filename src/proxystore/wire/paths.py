"""What a path means to servers that are not strict about it."""

from __future__ import annotations

import re
from posixpath import normpath
from typing import Final

_PARAMETERS: Final = re.compile(r";[^/]*")


def canonical(path: str) -> str:
    """Return *path* in small letters, without what some servers pass over: empty segments, ``.``, ``..``, ``;…``.

    A request that the server will understand must not pass unread.
    """
    return normpath(_PARAMETERS.sub("", path)).lower()
