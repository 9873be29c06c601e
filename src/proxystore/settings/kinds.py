"""Kinds of values that people write in several ways."""

from __future__ import annotations

import json
import re
from ipaddress import ip_network
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604_800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")


def seconds(value: object) -> object:
    """Return ``"5m"``, ``"1h30m"`` or ``"90"`` as seconds, and what is no text as it is.

    Raises:
        ValueError: The text is no duration.
    """
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    if _DURATION.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return float(text)
    raise ValueError("may be seconds, or a duration such as 30s, 5m or 1h")


def words(value: object) -> object:
    """Return ``"a, b"`` and ``'["a", "b"]'`` as lists, and what is no text as it is.

    Raises:
        ValueError: What begins like JSON is none.
    """
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            raise ValueError("may be words separated by commas, or a JSON array") from None
    return [word.strip() for word in value.split(",") if word.strip()]


def networks(value: object) -> object:
    """Return text such as ``10.0.0.0/8, ::1`` as networks, and what is no text as it is.

    Raises:
        ValueError: A word is neither an address nor a network.
    """
    split = words(value)
    if not isinstance(split, list | tuple):
        return split
    try:
        return [ip_network(word) if isinstance(word, str) else word for word in split]
    except ValueError:
        raise ValueError("may be addresses or networks such as 127.0.0.1 or 10.0.0.0/8") from None


Duration: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(seconds)]
"""Seconds; in text also ``30s``, ``5m``, ``1h``, ``1h30m``."""

Words: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(words)]
"""Several words; in text separated by commas, or a JSON array."""
