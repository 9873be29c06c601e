"""What the commands have in common: filters, and what is shown."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
import typer

from proxystore import AuditEvent, AuditHead, Column
from proxystore_audit.moments import moment


class Outcome(StrEnum):
    """How it ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    DENIED = "denied"
    ERROR = "error"


def _moment(text: str) -> datetime:
    try:
        return moment(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _head(text: str) -> AuditHead:
    try:
        return AuditHead.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def event_named(text: str) -> UUID | int:
    """Return the number or the id that *text* is.

    Raises:
        BadParameter: It is neither.
    """
    try:
        return int(text) if text.isdecimal() else UUID(text)
    except ValueError:
        raise typer.BadParameter("an event is named by its number, or its id, as in the list") from None


_When: Final = "2026-11-01, 2026-11-01T14:00:05, or 10m, 24h, 7d ago; in UTC."
Json = Annotated[bool, typer.Option("--json", help="For programs: every value there is.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")]
Before = Annotated[int | None, typer.Option(metavar="SEQ", help="Only those recorded before this one.")]
Since = Annotated[datetime | None, typer.Option(parser=_moment, metavar="WHEN", help=f"From then on: {_When}")]
Until = Annotated[datetime | None, typer.Option(parser=_moment, metavar="WHEN", help="Up to then, exclusive.")]
Text = Annotated[str | None, typer.Option(help="Only those that have this anywhere, in capitals or not.")]
Action = Annotated[str | None, typer.Option(help="Such as key.create, authenticate or request.")]
Actor = Annotated[str | None, typer.Option(help="Who did it.")]
Ended = Annotated[Outcome | None, typer.Option("--outcome", help="How it ended.")]
Reason = Annotated[str | None, typer.Option(help="Such as invalid_api_key or budget_exceeded.")]
Project = Annotated[str | None, typer.Option(help="Only those of the project with this id.")]
Key = Annotated[str | None, typer.Option(help="Only those of the key with this id.")]
RequestId = Annotated[str | None, typer.Option("--request", help="The id that an answer carried.")]
Correlation = Annotated[str | None, typer.Option(help="The caller's own id: of a trace, or x-request-id.")]
Ip = Annotated[str | None, typer.Option("--ip", help="The caller's address.")]
Method = Annotated[str | None, typer.Option(help="Such as POST.")]
Path = Annotated[str | None, typer.Option(help="Such as /v1/chat/completions.")]
Agent = Annotated[str | None, typer.Option("--user-agent", help="What the caller's program calls itself.")]
Event = Annotated[str, typer.Argument(metavar="EVENT", help="A number, or an id, as in the list.", show_default=False)]
Pin = Annotated[
    AuditHead | None,
    typer.Option("--head", parser=_head, metavar="PIN", help="A head that was kept elsewhere: it must still be there."),
]

WHOLE: Final = tuple(Column(name) for name in AuditEvent.__struct_fields__)
EVENT: Final = (
    Column("seq", "#", str),
    Column("occurred_at", "when"),
    Column("action"),
    Column("outcome"),
    Column("reason"),
    Column("actor"),
    Column("key_id", "key"),
    Column("client_ip", "from"),
    Column("path"),
)
FIELDS: Final = (Column("field"), Column("value"))
PROBLEM: Final = (Column("seq", "event", str), Column("kind"), Column("message"))


def fields_of(event: AuditEvent) -> list[dict[str, Any]]:
    """Return *event* as rows, a field each."""
    rows = {column.title: column.value(event) for column in WHOLE} | {"seq": str(event.seq)}
    if event.metadata is not None:
        rows["metadata"] = msgspec.json.encode(event.metadata).decode()
    return [{"field": name, "value": value} for name, value in rows.items()]
