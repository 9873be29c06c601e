"""What the commands have in common: options, and ways to print."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

import typer

from proxystore import Column, CommandLine
from proxystore_usage.moments import moment


class Grouping(StrEnum):
    """What can be summed up by."""

    MODEL = "model"
    PROVIDER = "provider"
    PROJECT = "project"
    KEY = "key"
    TAG = "tag"
    CREDENTIAL = "credential"
    OPERATION = "operation"
    DAY = "day"
    HOUR = "hour"
    MONTH = "month"


def _moment(text: str) -> datetime:
    try:
        return moment(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise typer.BadParameter("an event's id is a UUID, as in the list") from None


_When: Final = "2026-11-01, 2026-11-01T14:00, or 24h, 7d, 2w ago; in UTC."
Json = Annotated[bool, typer.Option("--json", help="For programs: every value there is.")]
Csv = Annotated[bool, typer.Option("--csv", help="For spreadsheets: every value there is.")]
By = Annotated[Grouping, typer.Option(help="What to sum up by.")]
Since = Annotated[datetime | None, typer.Option(parser=_moment, metavar="WHEN", help=f"From then on: {_When}")]
Until = Annotated[datetime | None, typer.Option(parser=_moment, metavar="WHEN", help="Up to then, exclusive.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")]
Model = Annotated[str | None, typer.Option(help="Only those that asked for this model, or were answered by it.")]
Provider = Annotated[str | None, typer.Option(help="Only those of this provider, such as openai.")]
Key = Annotated[str | None, typer.Option(help="Only those of the key with this id.")]
Project = Annotated[str | None, typer.Option(help="Only those of the project with this id.")]
EndUser = Annotated[str | None, typer.Option(help="Only those on behalf of this end user, as the list shows it.")]
Before = Annotated[UUID | None, typer.Option(parser=_id, metavar="ID", help="Only those older than this event.")]
Id = Annotated[UUID, typer.Argument(parser=_id, metavar="ID", help="As in the list.", show_default=False)]


def show(
    line: CommandLine,
    rows: Sequence[object],
    columns: Sequence[Column],
    whole: Sequence[Column],
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Print *columns* of *rows* as a table, or the *whole* of them as JSON or CSV."""
    if as_csv:
        typer.echo(csv_of(rows, whole), nl=False)
    else:
        line.show(rows, whole if as_json else columns, as_json=as_json)


def csv_of(rows: Sequence[object], columns: Sequence[Column], *, has_heading: bool = True) -> str:
    """Return *rows* as CSV; nothing is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if has_heading:
        writer.writerow([column.name for column in columns])
    writer.writerows([column.value(row) for column in columns] for row in rows)
    return text.getvalue()
