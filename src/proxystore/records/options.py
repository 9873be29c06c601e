"""What a caller may say of a record: checked before a statement sees it, and refused in the caller's terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from proxystore.errors import InvalidRecord

_LONGEST: Final = 200
_YEAR: Final = 365 * 86400
_SETTINGS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "cache_ttl": lambda value: type(value) in (int, float) and 0 <= value <= _YEAR,
    "disconnect": lambda value: value in ("bill_seen", "drain", "void"),
    "unpriced": lambda value: value in ("allow", "alert", "refuse"),
}


def name_of(option: str, value: object) -> str:
    """Return a name without blanks around it."""
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > _LONGEST or not text.isprintable():
        raise InvalidRecord(f"A {option} is 1 to {_LONGEST} characters that can be printed.")
    return text


def settings_of(option: str, value: object) -> dict[str, Any]:
    """Return the settings of a key or a project, checked."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidRecord(f"{option} are names and values.")
    unknown = value.keys() - _SETTINGS.keys()
    if unknown:
        raise InvalidRecord(f"There is no setting {', '.join(map(str, sorted(unknown, key=str)))} of a key.")
    wrong = [name for name, wanted in value.items() if wanted is not None and not _SETTINGS[name](wanted)]
    if wrong:
        raise InvalidRecord(f"The value of {', '.join(wrong)} is none that it may have.")
    return {name: wanted for name, wanted in value.items() if wanted is not None}


def moment(option: str, value: object) -> datetime | None:
    """Return a time that has a time zone."""
    if value is None:
        return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidRecord(f"{option} is a time with a time zone.")
    return value
