"""What the commands have in common: filters, and what is shown."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, TypedDict
from uuid import UUID

import typer

from proxystore import AuditEvent, AuditHead, Column, options

if TYPE_CHECKING:
    from proxystore import Store


class Outcome(StrEnum):
    """How it ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    DENIED = "denied"
    ERROR = "error"


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


Before = Annotated[int | None, typer.Option(metavar="SEQ", help="Only those recorded before this one.")]
Text = Annotated[str | None, typer.Option(help="Only those that have this anywhere, in capitals or not.")]
Action = Annotated[str | None, typer.Option(help="Such as key.create, authenticate or request.")]
Actor = Annotated[str | None, typer.Option(help="Who did it.")]
Ended = Annotated[Outcome | None, typer.Option("--outcome", help="How it ended.")]
Reason = Annotated[str | None, typer.Option(help="Such as invalid_api_key or budget_exceeded.")]
Project = Annotated[str | None, typer.Option(help="Only those of this project, by its id or its name.")]
Key = Annotated[str | None, typer.Option(help="Only those of this key, by its id or its name.")]
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
    Column("key_id", "key", spare=4),
    Column("client_ip", "from", spare=2),
    Column("path", spare=3),
)
PROBLEM: Final = (Column("seq", "event", str), Column("kind"), Column("message"))


class Clients(TypedDict):
    """A key, a project, both or none."""

    key_id: str | None
    project_id: str | None


async def clients(store: Store, *, key: str | None, project: str | None = None) -> Clients:
    """Return whose events are asked for, by id."""
    return {
        "key_id": key and await options.key_id(store, key),
        "project_id": project and await options.project_id(store, project),
    }
