"""What one check found."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Level: TypeAlias = Literal["ok", "warning", "problem"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at.

    Attributes:
        check: What was looked at, in a word.
        level: ``problem`` keeps requests from being served or usage from being kept; ``warning`` may, some day.
        message: What was found.
        mend: A command, or what else to do about it.
    """

    check: str
    level: Level
    message: str
    mend: str | None = None


def ok(check: str, message: str) -> Finding:
    """Return that all is well."""
    return Finding(check=check, level="ok", message=message)


def warning(check: str, message: str, mend: str) -> Finding:
    """Return what may go wrong some day."""
    return Finding(check=check, level="warning", message=message, mend=mend)


def problem(check: str, message: str, mend: str) -> Finding:
    """Return what is wrong."""
    return Finding(check=check, level="problem", message=message, mend=mend)
