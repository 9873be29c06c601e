"""Rows for people, as a table, and for programs, as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
import typer
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE = 10_000
_GAP = 2


class Column(NamedTuple):
    """What to show of a row.

    Attributes:
        name: The key or attribute, and the key in JSON: snake_case, and stable.
        heading: Stands above it; the name in words if not given.
        write: Turns the value into words for people; JSON has the value itself.
        spare: How soon it is left out where a terminal has no room for all: the highest first, all of one
            number together, 0 never.
    """

    name: str
    heading: str | None = None
    write: Callable[[Any], str] | None = None
    spare: int = 0

    @property
    def title(self) -> str:
        """What stands above the column."""
        return self.heading if self.heading is not None else self.name.replace("_", " ")

    def value(self, row: object) -> Any:
        """Return this column's value in *row*."""
        return row[self.name] if isinstance(row, Mapping) else getattr(row, self.name)

    def words(self, row: object) -> str:
        """Return this column's value in *row* for people."""
        value = self.value(row)
        return self.write(value) if self.write is not None and value is not None else words(value)


FIELDS: Final = (Column("field"), Column("value"))
"""What stands above a single row that is shown a line for each column."""


def words(value: object) -> str:
    """Return *value* for people: thousands are separated, times are UTC, nothing is a dash."""
    if value is None or value in ((), [], {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _is_number(value):
        return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
    if isinstance(value, Mapping):
        return msgspec.json.encode(value, enc_hook=str).decode()
    return ", ".join(map(str, _ordered(value))) if isinstance(value, tuple | list | frozenset) else str(value)


def print_json(rows: Sequence[object], columns: Sequence[Column]) -> None:
    """Print *rows* as a JSON array."""
    _print([_object(row, columns) for row in rows])


def print_object(row: object, columns: Sequence[Column]) -> None:
    """Print *row* as a JSON object."""
    _print(_object(row, columns))


def print_table(rows: Sequence[object], columns: Sequence[Column], title: str | None = None) -> None:
    """Print *rows* as a table: to a terminal with colours and the columns it has room for, else all of it, plain."""
    if sys.stdout.isatty():
        console = Console()
        shown = _fitting(rows, columns, console.width)
        _draw(console, rows, shown, title)
        left_out = ", ".join(column.title for column in columns if column not in shown)
        if left_out:
            typer.echo(f"no room for: {left_out}; in a wider terminal there is, and --json has everything", err=True)
        return
    console = Console(width=_WIDE, no_color=True, highlight=False)
    with console.capture() as drawn:
        _draw(console, rows, columns, title)
    typer.echo("\n".join(line.rstrip() for line in drawn.get().splitlines()))


def _draw(console: Console, rows: Sequence[object], columns: Sequence[Column], title: str | None) -> None:
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD if console.is_terminal else None,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0) if console.is_terminal else (0, 1),  # two blanks between columns: a box has one of its own
    )
    for column in columns:
        values = [value for row in rows if (value := column.value(row)) is not None]
        is_number = bool(values) and all(map(_is_number, values))
        is_whole = is_number or any(isinstance(value, datetime | UUID) for value in values)
        table.add_column(
            column.title,
            justify="right" if is_number else "left",
            overflow="ellipsis" if is_whole else "fold",
            no_wrap=is_whole,
        )
    for row in rows:
        table.add_row(*(Text(column.words(row)) for column in columns))
    console.print(table)
    if not rows:
        console.print("(nothing)")


def _fitting(rows: Sequence[object], columns: Sequence[Column], room: int) -> list[Column]:
    """Return *columns* without those that can be spared, until the rest fit in or none is left that can."""
    widths = {column: max(map(cell_len, (column.title, *(column.words(row) for row in rows)))) for column in columns}
    shown = list(columns)
    while sum(widths[column] + _GAP for column in shown) - _GAP > room:
        most = max(column.spare for column in shown)
        if not most:
            break
        shown = [column for column in shown if column.spare < most]
    return shown


def _object(row: object, columns: Sequence[Column]) -> dict[str, Any]:
    return {column.name: _ordered(column.value(row)) for column in columns}


def _print(value: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode())


def _ordered(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
