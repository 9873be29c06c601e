"""Rows for people, as a table, and for programs, as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE = 10_000


class Column(NamedTuple):
    """What to show of a row.

    Attributes:
        name: The key or attribute, and the key in JSON: snake_case, and stable.
        heading: Stands above it; the name in words if not given.
        write: Turns the value into words for people; JSON has the value itself.
    """

    name: str
    heading: str | None = None
    write: Callable[[Any], str] | None = None

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
    """Print *rows* as a table: with colours to a terminal, else plain and as wide as it takes."""
    if sys.stdout.isatty():
        _draw(Console(), rows, columns, title)
        return
    console = Console(width=_WIDE, no_color=True, highlight=False)
    with console.capture() as drawn:
        _draw(console, rows, columns, title)
    typer.echo("\n".join(line.rstrip() for line in drawn.get().splitlines()))


def _draw(console: Console, rows: Sequence[object], columns: Sequence[Column], title: str | None) -> None:
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False
    )
    for column in columns:
        values = [column.value(row) for row in rows]
        is_number = any(map(_is_number, values)) and all(value is None or _is_number(value) for value in values)
        table.add_column(column.title, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(column.words(row)) for column in columns))
    console.print(table)
    if not rows:
        console.print("(nothing)")


def _object(row: object, columns: Sequence[Column]) -> dict[str, Any]:
    return {column.name: _ordered(column.value(row)) for column in columns}


def _print(value: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode())


def _ordered(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
