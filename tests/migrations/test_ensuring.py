"""A start: at head it costs nothing, behind it migrates or says what to do."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from proxystore.database import Database
from proxystore.errors import SchemaError
from proxystore.migrating import BUILT_IN, check, ensure, upgrade
from proxystore.settings.url import DatabaseURL
from tests.migrations.histories import History
from tests.migrations.looking import SCHEMA, change, look, tables

_ENSURE = """
import asyncio, sys
from proxystore.database import Database
from proxystore.migrating import ensure
from proxystore.settings.url import DatabaseURL

async def main():
    async with Database(DatabaseURL.parse(sys.argv[1])) as database:
        await ensure(database, migrate=True)

asyncio.run(main())
print([name for name in sys.modules if name.partition(".")[0] in ("alembic", "mako")])
"""


async def _ensure(url: str, *, migrate: bool, history: History | None = None) -> None:
    async with Database(DatabaseURL.parse(url)) as database:
        await ensure(database, migrate=migrate, migrations=[history.migrations] if history else ())


def test_a_start_at_head_imports_no_alembic(migrated_url: str) -> None:
    done = subprocess.run([sys.executable, "-c", _ENSURE, migrated_url], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


async def test_an_empty_database_is_migrated(database_url: str) -> None:
    await _ensure(database_url, migrate=True)

    assert await check(DatabaseURL.parse(database_url), schema=SCHEMA) == []


async def test_an_empty_database_is_refused_with_the_command_where_migrating_is_off(database_url: str) -> None:
    with pytest.raises(SchemaError, match="proxystore db upgrade"):
        await _ensure(database_url, migrate=False)

    assert await asyncio.to_thread(look, database_url, tables) == set()


async def test_tables_of_a_plugin_are_made_too(migrated_url: str, history: History) -> None:
    history.add("Create colours", "op.create_table('colours', sa.Column('n', sa.Integer))")

    with pytest.raises(SchemaError, match=f"{history.migrations.package} is not applied: run `proxystore db upgrade`"):
        await _ensure(migrated_url, migrate=False, history=history)
    await _ensure(migrated_url, migrate=True, history=history)
    await _ensure(migrated_url, migrate=False, history=history)

    assert "colours" in await asyncio.to_thread(look, migrated_url, tables)


@pytest.mark.parametrize("migrate", [True, False])
async def test_a_revision_of_a_newer_release_is_refused_with_an_instruction(
    migrated_url: str, *, migrate: bool
) -> None:
    table = BUILT_IN.version_table
    await asyncio.to_thread(change, migrated_url, f"UPDATE {table} SET version_num = '9999'")

    with pytest.raises(SchemaError, match=r"9999.*newer.*[Ii]nstall.*restore a backup"):
        await _ensure(migrated_url, migrate=migrate)


async def test_a_release_before_the_last_upgrade_is_refused(database_url: str, history: History) -> None:
    history.add("Do one thing", "pass")
    history.add("Do another", "pass")
    await upgrade(DatabaseURL.parse(database_url), schema=SCHEMA, migrations=[history.migrations])
    history.remove_newest()

    with pytest.raises(SchemaError, match="newer"):
        await _ensure(database_url, migrate=True, history=history)


async def test_a_start_on_a_file_of_another_program_is_refused(sqlite_url: str) -> None:
    await asyncio.to_thread(change, sqlite_url, "CREATE TABLE users (id INTEGER)")

    for migrate in (True, False):
        with pytest.raises(SchemaError, match="another program"):
            await _ensure(sqlite_url, migrate=migrate)
