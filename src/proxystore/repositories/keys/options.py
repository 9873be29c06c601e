"""What a caller says of a key, in the caller's terms, and what of it goes into which column."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypedDict

from proxystore.errors import InvalidRecord
from proxystore.records.options import moment, name_of, settings_of

_NANO: Final = 10**9
_BEYOND: Final = 2**63


class KeyOptions(TypedDict, total=False):
    """What may be said of a key; in an update, what is not said stays, and ``None`` takes a bound away.

    A ``project`` is given by its id or its name; budgets are in dollars.
    """

    name: str
    project: str | None
    models: Collection[str] | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    max_requests: int | None
    daily_budget: Decimal | int | str | None
    monthly_budget: Decimal | int | str | None
    expires_at: datetime | None
    settings: Mapping[str, Any] | None


def columns(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return *options* as columns, all but the project.

    Raises:
        InvalidRecord: One of them is unknown, or has a value that it may not have.
    """
    unknown = options.keys() - _COLUMNS.keys() - {"project"}
    if unknown:
        raise InvalidRecord(f"A key has no {', '.join(sorted(unknown))}.")
    return {_COLUMNS[name][0]: _COLUMNS[name][1](name, value) for name, value in options.items() if name in _COLUMNS}


def _models(option: str, value: Any) -> list[str] | None:
    if value is None:
        return None
    if isinstance(value, str) or not all(isinstance(model, str) and model for model in value):
        raise InvalidRecord(f"{option} are names, such as ['gpt-4o'].")
    if not value:
        raise InvalidRecord(f"{option} may not be empty: None allows every model.")
    return sorted(set(value))


def _whole(most: int) -> Callable[[str, Any], int | None]:
    def convert(option: str, value: Any) -> int | None:
        if value is not None and not (type(value) is int and 0 < value <= most):
            raise InvalidRecord(f"{option} is a whole number from 1 to {most}; None is no limit.")
        return value

    return convert


def _money(option: str, value: Any) -> int | None:
    if value is None:
        return None
    nanousd = _nanousd(value)
    if nanousd is None or not 0 <= nanousd < _BEYOND:
        raise InvalidRecord(
            f"{option} is dollars, a Decimal or a text such as '12.50', from 0 on, of at most nine decimals; None is no"
            " budget."
        )
    return nanousd


def _nanousd(value: Any) -> int | None:
    """Return dollars as nano-dollars, where they are a whole number of those."""
    if isinstance(value, (bool, float)):
        return None
    try:
        nanousd = Decimal(value) * _NANO
        return int(nanousd) if nanousd == int(nanousd) else None
    except (ArithmeticError, TypeError, ValueError):
        return None


_COLUMNS: Final[Mapping[str, tuple[str, Callable[[str, Any], Any]]]] = {
    "name": ("name", name_of),
    "models": ("models", _models),
    "requests_per_minute": ("requests_per_minute", _whole(2**31 - 1)),
    "tokens_per_minute": ("tokens_per_minute", _whole(2**31 - 1)),
    "max_requests": ("max_requests", _whole(_BEYOND - 1)),
    "daily_budget": ("daily_budget_nanousd", _money),
    "monthly_budget": ("monthly_budget_nanousd", _money),
    "expires_at": ("expires_at", moment),
    "settings": ("settings", settings_of),
}
