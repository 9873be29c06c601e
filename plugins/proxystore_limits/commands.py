"""``proxystore limits``: what is left of them."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
import typer

from proxystore import Column, CommandLine, KeyRecord, LimitWindow

_Owner = Annotated[str, typer.Argument(metavar="KEY", help="The id of a key, or another owner of limits.")]
_Json = Annotated[bool, typer.Option("--json", help="For programs: every window there is.")]

limits = typer.Typer(help="What is left of rate limits, quotas and budgets.", no_args_is_help=True)


class _Line(msgspec.Struct):
    """A window, and how much of it may be had."""

    unit: str
    window: str
    begins_at: object
    amount: int | None
    used: int
    held: int
    remaining: int | None


_COLUMNS: Final = tuple(Column(name) for name in _Line.__struct_fields__)
_AMOUNTS: Final = {
    ("requests", "minute"): "requests_per_minute",
    ("tokens", "minute"): "tokens_per_minute",
    ("requests", "ever"): "max_requests",
    ("nanousd", "day"): "daily_budget_nanousd",
    ("nanousd", "month"): "monthly_budget_nanousd",
}


@limits.command("show")
def show(context: typer.Context, owner: _Owner, *, as_json: _Json = False) -> None:
    """Show what a key has used of its limits, what processes hold of them, and what is left; money in nano-dollars."""
    line: CommandLine = context.obj

    async def read() -> list[_Line]:
        async with line.store() as store:
            key = await store.keys.get(owner) if owner.startswith("key_") else None
            return [_line(window, key) for window in await store.limits.windows(owner)]

    line.show(line.run(read()), _COLUMNS, as_json=as_json)


def _line(window: LimitWindow, key: KeyRecord | None) -> _Line:
    amount: int | None = getattr(key, _AMOUNTS.get((window.unit, window.window), ""), None)
    return _Line(
        unit=window.unit,
        window=window.window,
        begins_at=window.begins_at,
        amount=amount,
        used=window.used,
        held=window.held,
        remaining=None if amount is None else max(0, amount - window.used - window.held),
    )
