"""Why a database cannot be used is told in words, with what mends it, and without the password."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from proxystore import migrating
from proxystore.database import Database
from proxystore.database.reasons import reason
from proxystore.errors import StoreError, StoreUnavailable
from proxystore.settings.url import DatabaseURL
from proxystore.testing.postgres import own_server

_PASSWORD = "cAnArY-password"


@pytest.fixture(name="strict", scope="module")
def _strict() -> Iterator[str]:
    """Give where a server listens that asks ``bob`` for his password, and lets nobody into the database ``shut``."""
    with own_server() as server:
        asyncio.run(_make_strict(server.url))
        yield urlsplit(server.url).netloc.rpartition("@")[2]


async def _make_strict(url: str) -> None:
    connection = await asyncpg.connect(url)
    rules = Path(await connection.fetchval("SHOW hba_file"))
    rules.write_text(f"host all bob all scram-sha-256\n{rules.read_text()}")
    for statement in (
        f"CREATE ROLE bob LOGIN PASSWORD '{_PASSWORD}'",
        "CREATE DATABASE shut",
        "REVOKE CONNECT ON DATABASE shut FROM PUBLIC",
        "CREATE DATABASE empty",
        "SELECT pg_reload_conf()",
    ):
        await connection.execute(statement)
    await connection.close()


async def _open(url: str) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        await Database(DatabaseURL.parse(url), deadline=5).open()
    return str(caught.value)


async def _migrate(url: str) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        await migrating.upgrade(DatabaseURL.parse(url), schema="proxystore", timeout=5)
    return str(caught.value)


@pytest.mark.parametrize(
    ("place", "what", "mend"),
    [
        (
            "postgres@{}/absent",
            "the server has no database 'absent'",
            "`createdb -h {} -p {} -U postgres absent`",
        ),
        (
            "bob:wrong@{}/empty",
            "the password of the user 'bob' is wrong",
            "`psql -h {} -p {} -U bob empty` asks",
        ),
        ("bob@{}/empty", "the password of the user 'bob' is not in the URL", "correct it in PROXYSTORE_DATABASE_URL"),
        ("ghost@{}/empty", 'role "ghost" does not exist', "CREATE ROLE"),
        (
            f"bob:{_PASSWORD}@{{}}/shut",
            "the user 'bob' lacks a right",
            'GRANT CONNECT, CREATE ON DATABASE "shut" TO "bob"',
        ),
        ("postgres@{}/empty?sslmode=require", "the server does not encrypt connections", "sslmode=prefer"),
    ],
)
async def test_a_server_that_lets_nobody_in_says_why(strict: str, place: str, what: str, mend: str) -> None:
    url = f"postgresql://{place.format(strict)}"

    for said in (await _open(url), await _migrate(url)):
        assert said.startswith(f"{DatabaseURL.parse(url).masked} cannot be used: ")
        assert what in said
        assert mend.format(*strict.split(":")) in said
        assert "wrong@" not in said
        assert _PASSWORD not in said


async def test_a_user_who_may_make_nothing_is_told_which_right_is_wanted(strict: str) -> None:
    said = await _migrate(f"postgresql://bob:{_PASSWORD}@{strict}/empty")

    assert 'GRANT CONNECT, CREATE ON DATABASE "empty" TO "bob"' in said
    assert _PASSWORD not in said


async def test_a_server_that_is_not_there_says_so() -> None:
    said = await _open("postgresql://postgres@127.0.0.1:1/any")

    assert "no server answers there" in said
    assert "`pg_isready -h 127.0.0.1 -p 1`" in said


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (socket.gaierror(-2, "Name or service not known"), "no host is called db.example"),
        (asyncpg.TooManyConnectionsError("sorry"), "the server has no connection left"),
    ],
)
def test_what_a_server_says_is_understood(error: Exception, what: str) -> None:
    ours = StoreUnavailable()
    ours.__cause__ = error

    found = reason(DatabaseURL.parse("postgresql://bob@db.example/llm"), ours)
    assert found is not None
    assert found.what == what


def test_what_nobody_can_tell_more_about_stays_as_it_is() -> None:
    assert reason(DatabaseURL.parse("postgresql://bob@db.example/llm"), StoreError()) is None
    assert reason(DatabaseURL.parse("sqlite:///here.db"), StoreUnavailable()) is None


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("milk, bread, " * 500)

    for said in (await _open(f"sqlite:///{file}"), await _migrate(f"sqlite:///{file}")):
        assert "the file is no SQLite database" in said
        assert f"mv {file} {file}.other" in said


async def test_a_directory_in_place_of_a_file_is_told(tmp_path: Path) -> None:
    assert f"that is a directory; name a file in it: sqlite:///{tmp_path}/" in await _open(f"sqlite:///{tmp_path}")


async def test_a_file_in_place_of_a_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").touch()

    assert f"{tmp_path}/data is not a directory" in await _open(f"sqlite:///{tmp_path}/data/proxystore.db")


async def test_a_directory_that_may_not_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(0o500)
    if os.geteuid() == 0:  # who may write everywhere: have SQLite fail, and the system say no
        (closed / "x.db").mkdir()
        monkeypatch.setattr(Path, "is_dir", lambda path: path.name != "x.db" and os.path.isdir(path))  # noqa: PTH112
        monkeypatch.setattr("os.access", lambda place, *_, **__: place != closed)

    said = await _open(f"sqlite:///{closed}/x.db")
    assert f"{closed} may not be written; chmod u+rwX {closed}" in said


@pytest.mark.parametrize(
    ("code", "what"), [("SQLITE_CORRUPT", "the file is damaged"), ("SQLITE_FULL", "the disk is full")]
)
def test_what_sqlite_says_is_understood(tmp_path: Path, code: str, what: str) -> None:
    error = sqlite3.OperationalError("something")
    error.sqlite_errorname = code

    found = reason(DatabaseURL.parse(f"sqlite:///{tmp_path}/x.db"), error)
    assert found is not None
    assert found.what == what


def test_who_holds_a_file_is_no_reason(tmp_path: Path) -> None:
    error = sqlite3.OperationalError("locked")
    error.sqlite_errorname = "SQLITE_BUSY"

    assert reason(DatabaseURL.parse(f"sqlite:///{tmp_path}"), error) is None
