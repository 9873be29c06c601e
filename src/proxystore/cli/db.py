"""``proxystore db``: how far the schema has come, and moving it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxystore.cli import options
from proxystore.cli.commandline import CommandLine
from proxystore.cli.tables import Column
from proxystore.errors import ProxyStoreError, SchemaError

if TYPE_CHECKING:
    from proxystore.records.migration import Revision
    from proxystore.repositories.audit import AuditRepository

_STEP = (Column("revision"), Column("message"), Column("state"), Column("applied_at"))
_COLUMNS = (Column("history"), *_STEP)
_DELETED = (Column("table"), Column("deleted"))
_PROBLEM = (Column("problem"),)

_Path = Annotated[Path, typer.Argument(metavar="PATH", help="A file that is not there yet.", show_default=False)]
_To = Annotated[str | None, typer.Argument(metavar="REVISION", help="Where to go back to.", show_default=False)]

db = typer.Typer(help="The database's schema: how far it has come, and moving it.", no_args_is_help=True)


@db.command()
@db.command("migrate", hidden=True)
def upgrade(context: typer.Context, *, as_json: options.Json = False) -> None:
    """Apply every revision that is missing: all of them, or none if one fails."""
    from proxystore import migrating  # loads three libraries: not for `--help`

    line = _announced(context)
    with line.progress("upgrading"):
        done = line.run(
            migrating.upgrade(
                line.settings.url, schema=line.settings.database_schema, migrations=line.plugins.migrations()
            )
        )
    if line.settings.url.dialect == "postgresql":
        line.run(_make_ahead(line))
    line.run(_record(line, "schema.upgrade", done))
    _tell(line, done, "applied", "Already at head: nothing to do.", as_json=as_json)


@db.command()
@db.command("rollback", hidden=True)
def downgrade(
    context: typer.Context, to: _To = None, *, yes: options.Yes = False, as_json: options.Json = False
) -> None:
    """Undo the newest revision, or all after REVISION; what they created goes, with all that is in it.

    `base` undoes everything. Plugins' revisions stay.
    """
    from proxystore import migrating

    line = _announced(context)
    if not yes:
        typer.confirm("This deletes what is in the tables and columns concerned. Go on?", abort=True, err=True)
    with line.progress("downgrading"):
        done = line.run(migrating.downgrade(line.settings.url, schema=line.settings.database_schema, to=to))
    line.run(_record(line, "schema.downgrade", done))
    _tell(line, done, "undone", "Nothing to undo.", as_json=as_json)
    if done and line.settings.auto_migrate:
        typer.echo("note: the next start applies it again, unless PROXYSTORE_AUTO_MIGRATE=false", err=True)


@db.command()
def status(context: typer.Context, *, as_json: options.Json = False) -> None:
    """List every revision and when it was applied; change nothing."""
    from proxystore import migrating

    line = _announced(context)
    steps = line.run(
        migrating.status(line.settings.url, schema=line.settings.database_schema, migrations=line.plugins.migrations())
    )
    is_ours_alone = len({step.history for step in steps}) == 1  # then its name says nothing
    rows = [_row(step, _state(step)) for step in steps]
    line.show(rows, _STEP if is_ours_alone else _COLUMNS, whole=_COLUMNS, as_json=as_json)


@db.command()
def check(context: typer.Context, *, as_json: options.Json = False) -> None:
    """Compare the schema with what this release needs; exit with 1 if they differ. Changes nothing."""
    from proxystore import migrating

    line = _announced(context)
    problems = line.run(
        migrating.check(line.settings.url, schema=line.settings.database_schema, migrations=line.plugins.migrations())
    )
    if as_json:
        line.show([{"problem": problem} for problem in problems], _PROBLEM, as_json=True)
    else:
        typer.echo("\n".join(problems) or "The schema is what this release needs.")
    if problems:
        raise typer.Exit(1)


@db.command()
def cleanup(context: typer.Context, *, as_json: options.Json = False) -> None:
    """Delete what was kept long enough, a little at a time; sums by day stay. Running proxies do so every hour."""
    line = _announced(context)
    with line.progress("cleaning up"):
        counts = line.ask(lambda store: store.cleanup())
    rows = [{"table": table, "deleted": count} for table, count in counts.items()]
    line.show(rows, _DELETED, as_json=as_json)


@db.command()
def backup(context: typer.Context, path: _Path) -> None:
    """Copy the database to a new file while everybody goes on; of PostgreSQL, show the command that does."""
    from proxystore import database

    line = _announced(context)
    url = line.settings.url
    if url.dialect == "postgresql":
        typer.echo(database.pg_dump(url, line.settings.database_schema, path))
        return
    with line.progress("copying") as told:
        database.backup(url, path, told)
    typer.echo(f"copied to {path}")
    try:
        line.run(_record_backup(line, str(path.absolute())))
    except ProxyStoreError as error:  # the copy is made all the same: it may be all that is left
        typer.echo(f"note: the audit trail has no event of it: {error}", err=True)


async def _record(line: CommandLine, action: str, steps: Sequence[Revision]) -> None:
    """Write down what was done to the schema, as far as there is still a trail."""
    if steps:
        with suppress(SchemaError):
            async with _trail(line) as trail:
                await trail.record_revisions(action, steps, actor=line.actor)


async def _record_backup(line: CommandLine, file: str) -> None:
    """Write down that all there is has been copied."""
    async with _trail(line) as trail:
        await trail.record("database.backup", actor=line.actor, metadata={"file": file})


@asynccontextmanager
async def _trail(line: CommandLine) -> AsyncIterator[AuditRepository]:
    """Give the audit trail; no store is opened for that, which would migrate."""
    from proxystore.changes import Chain
    from proxystore.database import Database
    from proxystore.repositories.audit import AuditRepository
    from proxystore.secrecy import AUDIT_KEY, known_secrets

    async with Database(line.settings.url, schema=line.settings.database_schema) as opened:
        keys = await known_secrets(opened, AUDIT_KEY, line.settings.audit_key, line.settings)
        yield AuditRepository(opened, Chain(keys))


async def _make_ahead(line: CommandLine) -> None:
    """Make the months that events will be written to."""
    from proxystore.database import Database
    from proxystore.ledger import make_ahead

    async with Database(line.settings.url, schema=line.settings.database_schema) as opened:
        await make_ahead(opened)


def _announced(context: typer.Context) -> CommandLine:
    line: CommandLine = context.obj
    line.announce_database()
    return line


def _tell(line: CommandLine, steps: Sequence[Revision], done: str, nothing: str, *, as_json: bool) -> None:
    if as_json:
        line.show([_row(step, done) for step in steps], _COLUMNS, as_json=True)
    else:
        typer.echo("\n".join(f"{done} {step.id}: {step.message}" for step in steps) or nothing)


def _row(step: Revision, state: str) -> dict[str, object]:
    return {
        "history": step.history,
        "revision": step.id,
        "message": step.message,
        "state": state,
        "applied_at": step.applied_at,
    }


def _state(step: Revision) -> str:
    if not step.is_known:
        return "applied by another release"
    return "pending" if step.applied_at is None else "applied"
