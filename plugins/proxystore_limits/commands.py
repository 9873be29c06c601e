"""``proxystore limits``: what is left of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from proxystore import Column, CommandLine, KeyRecord, LimitWindow, options

if TYPE_CHECKING:
    from proxystore import Store

_Owner = Annotated[
    str,
    typer.Argument(metavar="KEY", help="A key, by its id or its name; or another owner of limits.", show_default=False),
]

limits = typer.Typer(help="What is left of rate limits, quotas and budgets.", no_args_is_help=True)


class _Line(msgspec.Struct):
    """A window, and how much of it may be had."""

    unit: str
    window: str
    begins_at: datetime | None
    amount: int | None
    used: int
    held: int
    remaining: int | None


_NAMES: Final = _Line.__struct_fields__
_WHOLE: Final = tuple(Column(name) for name in _NAMES)
_COLUMNS: Final = tuple(Column(name, "begins" if name == "begins_at" else None) for name in _NAMES)
_AMOUNTS: Final = {
    ("requests", "minute"): "requests_per_minute",
    ("tokens", "minute"): "tokens_per_minute",
    ("requests", "ever"): "max_requests",
    ("nanousd", "day"): "daily_budget_nanousd",
    ("nanousd", "month"): "monthly_budget_nanousd",
}


@limits.command("show")
def show(context: typer.Context, owner: _Owner, *, as_json: options.Json = False) -> None:
    """Show what a key has used of its limits, what processes hold of them, and what is left; windows are UTC.

    The table has the windows that last now, and money in dollars; --json past windows, too, and whole nano-dollars.
    """
    line: CommandLine = context.obj

    now = datetime.now(UTC)

    async def read(store: Store) -> list[_Line]:
        found = await options.key_id(store, owner)
        key = await store.keys.get(found) if found.startswith("key_") else None
        return _lines(await store.limits.windows(found), key, now)

    lines = line.ask(read)
    if as_json:
        line.show(lines, _WHOLE, as_json=True)
    else:
        line.show([_words(each) for each in lines if not _is_past(each, now)], _COLUMNS)


def _lines(windows: Sequence[LimitWindow], key: KeyRecord | None, now: datetime) -> list[_Line]:
    """Return all windows there are, and those of limits of which nothing has been used yet in the one that lasts."""
    used = {(window.unit, window.window) for window in windows if not _is_past(window, now)}
    unused = [
        LimitWindow(owner="", unit=unit, window=window, begins_at=_begun(window, now), used=0, held=0)
        for unit, window in _AMOUNTS
        if (unit, window) not in used and _amount(key, unit, window) is not None
    ]
    return [_line(window, key) for window in sorted((*unused, *windows), key=_place)]


def _place(window: LimitWindow) -> int:
    """Return where *window* stands in the list: beside the others of its limit, those of other limits at the end."""
    places = list(_AMOUNTS)
    pair = (window.unit, window.window)
    return places.index(pair) if pair in places else len(places)


def _is_past(window: LimitWindow | _Line, now: datetime) -> bool:
    begun = _begun(window.window, now)
    return begun is not None and window.begins_at is not None and window.begins_at < begun


def _begun(window: str, now: datetime) -> datetime | None:
    """Return when the window that lasts *now* began; ``None`` is always, or a minute that slides."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return {"day": midnight, "month": midnight.replace(day=1)}.get(window)


def _line(window: LimitWindow, key: KeyRecord | None) -> _Line:
    amount = _amount(key, window.unit, window.window)
    return _Line(
        unit=window.unit,
        window=window.window,
        begins_at=window.begins_at,
        amount=amount,
        used=window.used,
        held=window.held,
        remaining=None if amount is None else max(0, amount - window.used - window.held),
    )


def _amount(key: KeyRecord | None, unit: str, window: str) -> int | None:
    amount: int | None = getattr(key, _AMOUNTS.get((unit, window), ""), None)
    return amount


def _words(line: _Line) -> dict[str, object]:
    """Return *line* for people: money in dollars."""
    row: dict[str, object] = {name: getattr(line, name) for name in _NAMES}
    if line.unit == "nanousd":
        row["unit"] = "dollars"
        for name in ("amount", "used", "held", "remaining"):
            row[name] = _dollars(getattr(line, name))
    return row


def _dollars(nanousd: int | None) -> Decimal | None:
    return None if nanousd is None else Decimal(nanousd).scaleb(-9).quantize(Decimal("0.000001"))
