"""What the commands have in common: options, and ways to print."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, TypedDict
from uuid import UUID

import msgspec
import typer

from proxystore import Column, CommandLine, UsageEvent, UsageEventNotFound, options

if TYPE_CHECKING:
    from proxystore import Store


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


def hour(text: str) -> datetime:
    """Return the full hour that *text* names: `options.moment`, where ``7d`` is that long ago, and what is left of it.

    What lies so far back that only days are known is the beginning of its day.

    Raises:
        BadParameter: It names none.
    """
    found = options.moment(text)
    if options.span(text) is None:
        return found  # a date that is no full hour is refused by who is asked, instead of being another one
    full = found.replace(minute=0, second=0, microsecond=0)
    is_recent = found > datetime.now(UTC) - _HOURS_KEPT + timedelta(hours=1)
    return full if is_recent else full.replace(hour=0)


def _beginning(text: str) -> str:
    digits = text.strip().lower().replace("-", "")
    if not _is_beginning(digits):
        raise typer.BadParameter("the id of an event is a UUID, or eight digits and more that it begins with")
    return digits


_HOURS_KEPT: Final = timedelta(days=90)
_DIGITS: Final = 32
_is_beginning: Final = re.compile(r"[0-9a-f]{8,32}").fullmatch
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What formulas begin with: whoever may ask for a model chooses what its name is in a table of somebody else's."""
By = Annotated[Grouping, typer.Option(help="What to sum up by.")]
SinceHour = Annotated[
    datetime | None,
    typer.Option(
        "--since",
        parser=hour,
        metavar="WHEN",
        help="From then on: 2026-11-01, 2026-11-01T14:00, or 24h, 7d ago; in UTC.",
    ),
]
UntilHour = Annotated[
    datetime | None,
    typer.Option("--until", parser=hour, metavar="WHEN", help="Up to then, exclusive; written likewise."),
]
Model = Annotated[str | None, typer.Option(help="Only those that asked for this model, or were answered by it.")]
Provider = Annotated[str | None, typer.Option(help="Only those of this provider, such as openai.")]
Key = Annotated[str | None, typer.Option(help="Only those of this key, by its id or its name.")]
Project = Annotated[str | None, typer.Option(help="Only those of this project, by its id or its name.")]
EndUser = Annotated[str | None, typer.Option(help="Only those on behalf of this end user, as the list shows it.")]
Before = Annotated[
    str | None, typer.Option(parser=_beginning, metavar="ID", help="Only those older than this event; as in the list.")
]
Id = Annotated[str, typer.Argument(parser=_beginning, metavar="ID", help="As in the list.", show_default=False)]


class Clients(TypedDict):
    """A key, a project, both or none."""

    key: str | None
    project: str | None


async def clients(store: Store, *, key: str | None, project: str | None) -> Clients:
    """Return whose usage is asked for, by id."""
    return {
        "key": key and await options.key_id(store, key),
        "project": project and await options.project_id(store, project),
    }


def oldest(beginning: str) -> UUID:
    """Return the least of all ids with this *beginning*."""
    return UUID(hex=beginning.ljust(_DIGITS, "0"))


async def event(store: Store, beginning: str) -> UsageEvent:
    """Return the event whose id has this *beginning*.

    Raises:
        UsageEventNotFound: There is none.
        BadParameter: There are several.
    """
    if len(beginning) == _DIGITS:
        return await store.usage.get(UUID(hex=beginning))
    latest = await store.usage.list(limit=2, before=UUID(hex=beginning.ljust(_DIGITS, "f")))
    found = [each for each in latest if each.event_id.hex.startswith(beginning)]
    if len(found) > 1:
        ids = " and ".join(str(each.event_id) for each in found)
        raise typer.BadParameter(f"the ids of several events begin so, such as {ids}")
    if not found:
        raise UsageEventNotFound
    return found[0]


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
    elif as_json:
        line.show(rows, whole, as_json=True)
    else:
        line.show([_named(row) for row in rows], columns)


def _named(row: Any) -> object:
    """Return a group of a report that has no name by its id: the list may have no room for ids."""
    return msgspec.structs.replace(row, name=row.group) if getattr(row, "name", "") is None else row


def csv_of(rows: Sequence[object], columns: Sequence[Column], *, has_heading: bool = True) -> str:
    """Return *rows* as CSV; nothing is an empty field, and no text is a formula to a program that shows tables."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if has_heading:
        writer.writerow([column.name for column in columns])
    writer.writerows([_cell(column.value(row)) for column in columns] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, Mapping):
        return msgspec.json.encode(value).decode()
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value
