"""Rows for people, as a table, and for programs, as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

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


def words(value: object) -> str:
    """Return *value* for people: thousands are separated, times are UTC, nothing is a dash."""
    if value is None or value in ((), []):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
    return ", ".join(map(str, _ordered(value))) if isinstance(value, tuple | list | frozenset) else str(value)


def print_json(rows: Sequence[object], columns: Sequence[Column]) -> None:
    """Print *rows* as a JSON array."""
    objects = [{column.name: _ordered(column.value(row)) for column in columns} for row in rows]
    text = msgspec.json.format(msgspec.json.encode(objects, enc_hook=str), indent=2)
    typer.echo(text.decode())


def _ordered(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else value


def print_table(rows: Sequence[object], columns: Sequence[Column], title: str | None = None) -> None:
    """Print *rows* as a table: with colours to a terminal, else plain and as wide as it takes."""
    console = Console() if sys.stdout.isatty() else Console(width=_WIDE, no_color=True, highlight=False)
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


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
