"""Can the database be reached, is it recent enough, and is its schema this release's?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, DateTime, func, inspect, select, type_coerce

from proxystore import migrating
from proxystore.database import Database
from proxystore.database.reasons import reason
from proxystore.doctor.finding import Finding, ok, problem, warning
from proxystore.errors import SchemaError
from proxystore.migrating import Migrations, transactions
from proxystore.schema.api_keys import api_keys
from proxystore.schema.audit import audit_events
from proxystore.schema.ledger import ledger_segments
from proxystore.schema.settings import settings as kept
from proxystore.secrecy import AUDIT_KEY, PEPPER, Known, known_to
from proxystore.settings import PoolSettings, Settings

DEADLINE: Final = 5.0
_CHECK: Final = "database"
_ONE: Final = PoolSettings(max_size=1, min_size=0)
_OLDEST: Final = {"postgresql": (14,), "sqlite": (3, 35)}
_UPGRADE: Final = "proxystore db upgrade"
_COMMAND: Final = re.compile(r":? ?run `([^`]+)`")
_NAMES: Final = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
_SHOWN: Final = 5


class Facts(NamedTuple):
    """What the database said.

    Attributes:
        version: Its version.
        store_id: Which store it is; ``None`` if no store was ever opened on it.
        acked: How far segments of the journal have been written down.
        known: What it knows of each secret.
        clocks: Its time between two of ours; ``None`` where it has no clock of its own.
    """

    version: tuple[int, ...]
    store_id: UUID | None
    acked: dict[UUID, int]
    known: dict[str, Known]
    clocks: tuple[datetime, datetime, datetime] | None


async def look(settings: Settings, segment_ids: Sequence[UUID]) -> Facts:
    """Ask the database what there is to know; a SQLite file that is not there reads as empty.

    Raises:
        StoreError: It cannot be reached in time.
    """
    if settings.url.dialect == "postgresql":
        await _reach(settings)
    return await transactions.read(
        settings.url, settings.database_schema, lambda connection: _facts(connection, segment_ids), timeout=DEADLINE
    )


async def differences(settings: Settings, migrations: Sequence[Migrations]) -> list[str]:
    """Return what keeps the schema from being this release's, a line each."""
    try:
        return await migrating.check(
            settings.url, schema=settings.database_schema, migrations=migrations, timeout=DEADLINE
        )
    except SchemaError as error:
        return [str(error)]


def check(settings: Settings, facts: Facts, wrong: Sequence[str]) -> Iterator[Finding]:
    """Judge what was found."""
    url, dialect = settings.url, settings.url.dialect
    version = ".".join(map(str, facts.version))
    if facts.version < _OLDEST[dialect]:
        least = ".".join(map(str, _OLDEST[dialect]))
        yield problem(_CHECK, f"{_NAMES[dialect]} {version} is too old", f"use {_NAMES[dialect]} {least} or newer")
    if url.path is not None and not url.path.exists():
        yield warning(_CHECK, f"{url.masked} is not there yet: the first start makes it", _UPGRADE)
        return
    yield ok(_CHECK, f"{url.masked} answers ({_NAMES[dialect]} {version})")
    if url.is_in_memory:
        return
    yield from (_judged(settings, line) for line in wrong[:_SHOWN])
    if not wrong:
        yield ok("schema", "it is the one this release needs")


def unreachable(settings: Settings, error: Exception) -> Finding:
    """Return that the database cannot be asked."""
    found = reason(settings.url, error)
    if found is not None:
        return problem(_CHECK, f"{settings.url.masked} cannot be used: {found.what}", found.mend)
    if settings.url.dialect == "postgresql":
        return problem(_CHECK, str(error), "start the server, or set PROXYSTORE_DATABASE_URL to where it is")
    mend = "see who holds it, and whether it is a SQLite file of ours; else restore a backup"
    return problem(_CHECK, f"{settings.url.masked} cannot be read: {error}", mend)


def _judged(settings: Settings, line: str) -> Finding:
    command = _COMMAND.search(line)
    if command is None:
        return problem("schema", line, "`proxystore db check` tells when it is right again")
    message = _COMMAND.sub("", line)
    if settings.auto_migrate:
        return warning("schema", f"{message}; the next start does it", command[1])
    return problem("schema", message, command[1])


async def _reach(settings: Settings) -> None:
    # This door has a deadline whatever the server does; that of migrations waits for as long as a server is silent.
    async with Database(settings.url, schema=settings.database_schema, pool=_ONE, deadline=DEADLINE):
        pass


def _facts(connection: Connection, segment_ids: Sequence[UUID]) -> Facts:
    tables, store_id, acked = set(inspect(connection).get_table_names()), None, {}
    if kept.name in tables:
        found = connection.scalar(select(kept.c.value).where(kept.c.name == "store_id"))
        store_id = None if found is None else UUID(found)
    if ledger_segments.name in tables and segment_ids:
        named = ledger_segments.c.segment_id.in_(segment_ids)
        acked = {row.segment_id: row.acked for row in connection.execute(select(ledger_segments).where(named))}
    is_ours = {kept.name, api_keys.name, audit_events.name} <= tables
    known = {purpose.name: known_to(connection, purpose) for purpose in (PEPPER, AUDIT_KEY) if is_ours}
    version = connection.dialect.server_version_info or ()
    return Facts(tuple(map(int, version)), store_id, acked, known, _clocks(connection))


def _clocks(connection: Connection) -> tuple[datetime, datetime, datetime] | None:
    if connection.dialect.name == "sqlite":
        return None
    before = datetime.now(UTC)
    theirs = connection.scalar(select(type_coerce(func.clock_timestamp(), DateTime(timezone=True))))
    return None if theirs is None else (before, theirs, datetime.now(UTC))
