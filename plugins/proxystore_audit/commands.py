"""``proxystore audit``: what happened, and whether that is all."""

from __future__ import annotations

import asyncio
from typing import IO, TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from proxystore import AuditEvent, AuditVerdict, CommandLine, options
from proxystore_audit import options as given
from proxystore_audit.options import EVENT, PROBLEM, WHOLE, clients, event_named

if TYPE_CHECKING:
    from proxystore import Store

_POLL: Final = 0.5
_RECENT: Final = 10
_Once = Annotated[bool, typer.Option("--once", help="Show what there is, and do not wait for more.")]

audit = typer.Typer(help="Who did what, and what was refused.", no_args_is_help=True)


@audit.command("list")
def list_events(
    context: typer.Context,
    *,
    limit: options.Limit = 50,
    before: given.Before = None,
    since: options.Since = None,
    until: options.Until = None,
    text: given.Text = None,
    action: given.Action = None,
    actor: given.Actor = None,
    outcome: given.Ended = None,
    reason: given.Reason = None,
    project: given.Project = None,
    key: given.Key = None,
    request: given.RequestId = None,
    correlation: given.Correlation = None,
    ip: given.Ip = None,
    method: given.Method = None,
    path: given.Path = None,
    user_agent: given.Agent = None,
    as_json: options.Json = False,
) -> None:
    """List events, the last recorded first; the next page is --before the last number of this one."""
    line: CommandLine = context.obj

    async def read(store: Store) -> list[AuditEvent]:
        return await store.audit.list(
            limit=limit,
            before=before,
            since=since,
            until=until,
            text=text,
            action=action,
            actor=actor,
            outcome=outcome,
            reason=reason,
            request_id=request,
            correlation_id=correlation,
            client_ip=ip,
            method=method,
            path=path,
            user_agent=user_agent,
            **await clients(store, key=key, project=project),
        )

    line.show(line.ask(read), EVENT, whole=WHOLE, as_json=as_json)


@audit.command("show")
def show_event(context: typer.Context, event: given.Event, *, as_json: options.Json = False) -> None:
    """Show everything about one event."""
    line: CommandLine = context.obj
    named = event_named(event)

    found = line.ask(lambda store: store.audit.get(named))
    line.show_one(found, WHOLE, as_json=as_json)


@audit.command()
def export(
    context: typer.Context,
    *,
    output: options.Output = None,
    since: options.Since = None,
    until: options.Until = None,
    text: given.Text = None,
    action: given.Action = None,
    actor: given.Actor = None,
    outcome: given.Ended = None,
    key: given.Key = None,
    project: given.Project = None,
) -> None:
    """Write events as JSON Lines, in the order of the chain. To do so is an event as well."""
    line: CommandLine = context.obj
    chosen: dict[str, Any] = {
        "since": since,
        "until": until,
        "text": text,
        "action": action,
        "actor": actor,
        "outcome": outcome,
    }

    async def work(file: IO[bytes]) -> int:
        count = 0
        async with line.store() as store:
            chosen.update(await clients(store, key=key, project=project))
            asked = {name: str(value) for name, value in chosen.items() if value is not None}
            try:
                with line.progress("exporting") as told:
                    async for event in store.audit.events(**chosen):
                        file.write(msgspec.json.encode(event) + b"\n")
                        count += 1
                        told(1)
                file.flush()
            finally:  # also where whoever reads along has had enough
                await store.audit.record("audit.export", actor=line.actor, metadata={"events": count, **asked})
        return count

    with options.writing(output) as file:
        count = line.run(work(file))
    typer.echo(f"{count:,} events were written to {output or 'standard output'}", err=True)


@audit.command()
def tail(
    context: typer.Context,
    *,
    last: Annotated[int, typer.Option("--last", "-n", min=0, max=10_000, help="Begin with so many.")] = _RECENT,
    once: _Once = False,
    action: given.Action = None,
    outcome: given.Ended = None,
    key: given.Key = None,
    text: given.Text = None,
    as_json: options.Json = False,
) -> None:
    """Show events as they are recorded, until Ctrl-C; with --json as JSON Lines."""
    line: CommandLine = context.obj
    chosen: dict[str, Any] = {"action": action, "outcome": outcome, "text": text}

    async def follow() -> None:
        async with line.store() as store:
            chosen.update(await clients(store, key=key))
            head = await store.audit.head()
            recent = await store.audit.list(limit=last, **chosen) if last else []
            for event in reversed(recent):
                _echo(event, as_json=as_json)
            seq = max(head.seq, *(event.seq for event in recent), 0)
            while not once:
                async for event in store.audit.events(after=seq, **chosen):
                    _echo(event, as_json=as_json)
                    seq = event.seq
                await asyncio.sleep(_POLL)

    line.run(follow())


@audit.command()
def verify(context: typer.Context, *, head: given.Pin = None, as_json: options.Json = False) -> None:
    """Follow the whole chain, and say where it is not what was written; fail if so."""
    line: CommandLine = context.obj

    line.announce_database()  # not in the middle of the bar
    with line.progress("verifying"):
        verdict = line.ask(lambda store: store.audit.verify(head=head))
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(verdict), indent=2).decode())
    elif verdict.is_sound:
        typer.echo(_sound(verdict))
    else:
        line.show(verdict.problems, PROBLEM)
        if not verdict.is_complete:
            typer.echo("… and more")
    if not verdict.is_sound:
        raise typer.Exit(1)


@audit.command("head")
def show_head(context: typer.Context, *, as_json: options.Json = False) -> None:
    """Print the end of the chain in a word: kept elsewhere, `verify --head` shows that nothing before it has gone."""
    line: CommandLine = context.obj

    head = line.ask(lambda store: store.audit.head())
    if as_json:
        typer.echo(msgspec.json.encode({"seq": head.seq, "hash": head.hash, "pin": head.pin}).decode())
    else:
        typer.echo(head.pin)


def _sound(verdict: AuditVerdict) -> str:
    if not verdict.first_seq:
        return "There are no events."
    return f"Events {verdict.first_seq:,} to {verdict.last_seq:,} are as they were written."


def _echo(event: AuditEvent, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(event).decode())
        return
    typer.echo(f"{event.seq}  " + "  ".join(column.words(event) for column in EVENT[1:]))
