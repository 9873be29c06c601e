"""Reading the end of a JSON object whose beginning is gone."""

from __future__ import annotations

import re
from typing import Final

_find_object: Final = re.compile(rb"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})").match


def last_object(tail: bytes, name: bytes) -> bytes | None:
    """Return the last object in *tail* that is the value of *name* (in quotes), ``None`` if there is none.

    It may hold objects that hold none. Inside a string the quotes of *name* would be escaped, and inside of the object
    are numbers and names: no brackets in strings.
    """
    end = len(tail)
    while (begin := tail.rfind(name, 0, end)) >= 0:
        found = _find_object(tail, begin + len(name))
        if found is not None:
            return found[1]
        end = begin
    return None
