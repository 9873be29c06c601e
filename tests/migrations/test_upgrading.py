"""Upgrading: once, twice, from everywhere, by everybody."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from proxystore.database import Database
from proxystore.errors import SchemaError, StoreBusy, StoreUnavailable
from proxystore.migrating import BUILT_IN, check, downgrade, ensure, status, transactions, upgrade
from proxystore.settings.url import DatabaseURL
from tests import born
from tests.migrations.histories import History
from tests.migrations.looking import SCHEMA, catalogue, change, look, tables

_UPGRADE = """
import asyncio, sys
from proxystore.migrating import upgrade
from proxystore.settings.url import DatabaseURL
print("ready", flush=True)
sys.stdin.readline()
print(len(asyncio.run(upgrade(DatabaseURL.parse(sys.argv[1]), schema="proxystore"))))
"""


async def test_a_second_time_changes_nothing(database_url: str) -> None:
    url = DatabaseURL.parse(database_url)

    first = await upgrade(url, schema=SCHEMA)
    before = await asyncio.to_thread(look, database_url, catalogue)
    second = await upgrade(url, schema=SCHEMA)

    assert first[-1].id == BUILT_IN.head
    assert second == []
    assert await asyncio.to_thread(look, database_url, catalogue) == before


def test_six_processes_at_once_all_succeed(database_url: str) -> None:
    command = [sys.executable, "-c", _UPGRADE, database_url]
    processes = [born.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    with ThreadPoolExecutor(len(processes)) as threads:
        outputs = list(threads.map(lambda process: process.communicate("go\n", timeout=60)[0], processes))

    assert [process.returncode for process in processes] == [0] * 6
    assert sorted(map(int, outputs)) == [0] * 5 + [len(list(BUILT_IN.versions.glob("r*.py")))]


async def test_several_tasks_and_threads_of_a_process_take_turns(database_url: str, tmp_path: Path) -> None:
    url, other = DatabaseURL.parse(database_url), DatabaseURL.parse(f"sqlite:///{tmp_path / 'other.db'}")

    done = await asyncio.gather(*(upgrade(each, schema=SCHEMA) for each in (url, other, url, other)))

    assert sorted(len(steps) for steps in done) == [0, 0, len(done[0]) or len(done[2]), len(done[1]) or len(done[3])]


async def test_a_database_in_memory_is_migrated_for_its_own_connections() -> None:
    async with Database(DatabaseURL.parse("sqlite:///:memory:")) as database:
        await ensure(database, migrate=True)
        await ensure(database, migrate=False)


async def test_names_that_need_quoting_are_quoted(postgres_url: str, tmp_path: Path) -> None:
    schema = 'Ein "Schema" mit % und \''
    directory = tmp_path / "100 %; x?"
    for url in (DatabaseURL.parse(postgres_url), DatabaseURL(dialect="sqlite", path=directory / "proxy store.db")):
        await upgrade(url, schema=schema)

        assert await check(url, schema=schema) == []
        assert [step.id for step in await downgrade(url, schema=schema, to="base")]
    assert directory.stat().st_mode & 0o777 == 0o700


async def test_nothing_is_made_outside_the_schema(postgres_url: str) -> None:
    await upgrade(DatabaseURL.parse(postgres_url), schema="one")
    await upgrade(DatabaseURL.parse(postgres_url), schema="two")

    assert await asyncio.to_thread(look, postgres_url, tables, "public") == set()
    assert await asyncio.to_thread(look, postgres_url, catalogue, "one") == await asyncio.to_thread(
        look, postgres_url, catalogue, "two"
    )


def test_a_role_that_owns_the_schema_but_may_make_none_can_upgrade(postgres_url: str) -> None:
    role = postgres_url.rpartition("/")[2]
    change(postgres_url, f"CREATE ROLE {role} LOGIN PASSWORD 'secret'", f"CREATE SCHEMA mine AUTHORIZATION {role}")
    url = DatabaseURL.parse(postgres_url)
    theirs = DatabaseURL(
        dialect="postgresql", host=url.host, port=url.port, user=role, password="secret", database=role
    )
    try:
        assert asyncio.run(upgrade(theirs, schema="mine"))
        with pytest.raises(Exception, match="permission denied"):
            asyncio.run(upgrade(theirs, schema="others"))
    finally:
        change(postgres_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


async def test_a_file_of_another_program_is_refused_and_left_alone(sqlite_url: str) -> None:
    url = DatabaseURL.parse(sqlite_url)
    await asyncio.to_thread(change, sqlite_url, "CREATE TABLE users (id INTEGER)")

    for refused in (upgrade(url, schema=SCHEMA), downgrade(url, schema=SCHEMA), check(url, schema=SCHEMA)):
        with pytest.raises(SchemaError, match=r"users.*file of its own"):
            await refused
    assert await asyncio.to_thread(look, sqlite_url, tables) == {"users"}


async def test_histories_of_plugins_run_after_ours_with_a_table_of_their_own(
    database_url: str, history: History
) -> None:
    url = DatabaseURL.parse(database_url)
    history.add(
        "Create colours",
        "op.create_table('colours', sa.Column('key_id', sa.Uuid, sa.ForeignKey('api_keys.id', ondelete='CASCADE')))",
        "op.drop_table('colours')",
    )
    everything = (BUILT_IN, history.migrations)

    done = await upgrade(url, schema=SCHEMA, migrations=everything)

    assert [step.history for step in done][-2:] == [BUILT_IN.package, history.migrations.package]
    assert {"colours", history.migrations.version_table} <= await asyncio.to_thread(look, database_url, tables)
    assert await check(url, schema=SCHEMA, migrations=everything) == []
    assert await upgrade(url, schema=SCHEMA, migrations=everything) == []


async def test_looking_makes_nothing(database_url: str) -> None:
    url = DatabaseURL.parse(database_url)

    assert {step.applied_at for step in await status(url, schema=SCHEMA)} == {None}
    assert "is not applied" in (await check(url, schema=SCHEMA))[0]

    assert await asyncio.to_thread(look, database_url, tables) == set()
    assert url.path is None or not url.path.exists()


def test_who_waits_too_long_is_told(database_url: str) -> None:
    url = DatabaseURL.parse(database_url)
    process = born.Popen(
        [sys.executable, "-c", _HOLD, database_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"

    with pytest.raises(StoreBusy, match="another process"):
        asyncio.run(upgrade(url, schema=SCHEMA, timeout=1))

    process.communicate("\n", timeout=30)
    assert asyncio.run(upgrade(url, schema=SCHEMA))


_HOLD = """
import asyncio, sys
from proxystore.migrating import transactions
from proxystore.settings.url import DatabaseURL

def hold(connection):
    print("held", flush=True)
    sys.stdin.readline()

asyncio.run(transactions.write(DatabaseURL.parse(sys.argv[1]), "proxystore", hold, timeout=10))
"""


async def test_a_server_that_is_not_there_is_told_without_its_password() -> None:
    url = DatabaseURL.parse("postgresql://someone:hunter2@127.0.0.1:1/nowhere")

    with pytest.raises(StoreUnavailable) as caught:
        await upgrade(url, schema=SCHEMA)

    assert "hunter2" not in str(caught.value)


def test_a_statement_timeout_does_not_cut_a_migration_off(postgres_url: str) -> None:
    """Operators give databases and roles one; a migration takes what it takes."""
    name = postgres_url.rpartition("/")[2]
    change(postgres_url, f"ALTER DATABASE {name} SET statement_timeout = '1min'")

    def timeout(connection: Connection) -> object:
        return connection.execute(text("SHOW statement_timeout")).scalar()

    assert asyncio.run(transactions.write(DatabaseURL.parse(postgres_url), SCHEMA, timeout, timeout=5)) == "0"
