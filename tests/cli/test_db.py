"""``proxystore db`` as it is typed."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from io import StringIO
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

from proxystore import AuditEvent, Store
from proxystore.cli import main
from proxystore.migrating import BUILT_IN
from proxystore.settings.url import DatabaseURL
from tests.migrations.looking import change, look, tables


class _Done(NamedTuple):
    code: int
    out: str
    err: str


class _Type(Protocol):
    def __call__(self, *words: str) -> _Done: ...


@pytest.fixture(name="type_in")
def _type_in(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> _Type:
    """Run ``proxystore db`` on an empty database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROXYSTORE_PLUGINS", "[]")
    monkeypatch.setenv("PROXYSTORE_DATABASE_URL", database_url)

    def run(*words: str) -> _Done:
        with pytest.raises(SystemExit) as caught:
            main(["db", *words])
        return _Done(int(caught.value.code or 0), *capsys.readouterr())

    return run


def test_upgrade_tells_what_it_applied_and_then_that_nothing_is_left(type_in: _Type) -> None:
    first, second = type_in("upgrade"), type_in("upgrade")

    assert first.code == second.code == 0
    assert first.out.startswith("applied 0001: Create the first tables\n")
    assert second.out == "Already at head: nothing to do.\n"
    assert first.err.startswith("database: ")


def test_status_tells_what_was_applied_when(type_in: _Type) -> None:
    before = json.loads(type_in("status", "--json").out)
    type_in("upgrade")
    after = json.loads(type_in("status", "--json").out)

    assert {(row["state"], row["applied_at"]) for row in before} == {("pending", None)}
    assert {row["state"] for row in after} == {"applied"}
    assert after[-1]["revision"] == BUILT_IN.head
    assert after[-1]["applied_at"][:10] in type_in("status").out


def test_status_fits_a_terminal(type_in: _Type, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in("upgrade")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for name, value in {"COLUMNS": "80", "TERM": "xterm", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    lines = type_in("status").out.splitlines()[2:]

    begun = [line for line in lines if not line.startswith(" ")]  # the others go on with what a revision does
    assert [line.split()[0] for line in begun] == [f"{number:04}" for number in range(1, len(begun) + 1)]
    assert all(re.search(r" applied  20[0-9-]{8} [0-9:]{8}Z$", line) for line in begun)
    assert max(map(len, lines)) <= 80


def test_check_fails_until_the_schema_is_right(type_in: _Type, database_url: str) -> None:
    behind = type_in("check")
    type_in("upgrade")
    right = type_in("check")
    change(database_url, "DROP TABLE changes")
    wrong = type_in("check", "--json")

    assert (behind.code, right.code, wrong.code) == (1, 0, 1)
    assert "proxystore db upgrade" in behind.out
    assert "changes" in json.loads(wrong.out)[0]["problem"]


def test_downgrade_asks_first(type_in: _Type, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in("upgrade")
    monkeypatch.setattr("sys.stdin", StringIO("n\n"))
    refused = type_in("downgrade")
    kept = look(database_url, tables)
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    done = type_in("downgrade", "base")

    assert refused.code == 1
    assert "projects" in kept
    assert done.code == 0
    assert "undone 0001: Create the first tables\n" in done.out
    assert "projects" not in look(database_url, tables)


def test_downgrade_says_that_the_next_start_upgrades_again(type_in: _Type, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in("upgrade")
    loud = type_in("downgrade", "base", "--yes")
    nothing = type_in("downgrade", "base", "--yes")
    type_in("upgrade")
    monkeypatch.setenv("PROXYSTORE_AUTO_MIGRATE", "false")
    quiet = type_in("downgrade", "--yes")

    assert "PROXYSTORE_AUTO_MIGRATE" in loud.err
    assert nothing.out == "Nothing to undo.\n"
    assert "PROXYSTORE_AUTO_MIGRATE" not in quiet.err


def test_the_old_names_work_and_are_not_advertised(type_in: _Type) -> None:
    migrated, rolled_back, helped = type_in("migrate"), type_in("rollback", "-y"), type_in("--help")

    assert migrated.code == rolled_back.code == helped.code == 0
    assert "migrate" not in helped.out
    assert "rollback" not in helped.out


def test_a_wrong_revision_is_one_clear_line(type_in: _Type) -> None:
    type_in("upgrade")

    done = type_in("downgrade", "0815", "--yes")

    assert done.code == 1
    told = done.err.splitlines()[-1]
    assert told.startswith("error: cannot go back to revision 0815: this database has 0001, 0002, ")
    assert told.endswith(str(BUILT_IN.head))


def test_upgrade_makes_months_ahead(type_in: _Type, database_url: str) -> None:
    type_in("upgrade")
    type_in("upgrade")

    months = [name for name in look(database_url, tables) if name.startswith("usage_events_2")]
    assert len(months) == (0 if database_url.startswith("sqlite") else 4)


def test_cleanup_counts_for_each_table(type_in: _Type) -> None:
    done = type_in("cleanup", "--json")

    rows = {row["table"]: row["deleted"] for row in json.loads(done.out)}
    assert done.code == 0
    assert rows["usage_hourly"] == rows["ledger_segments"] == 0


async def _trail() -> list[AuditEvent]:
    async with Store() as store:
        return await store.audit.list(limit=9)


def test_a_backup_migrates_nothing_and_needs_no_trail(type_in: _Type, database_url: str, tmp_path: Path) -> None:
    type_in("upgrade")
    type_in("downgrade", "0001", "--yes")
    done = type_in("backup", str(tmp_path / "old.db"))

    assert done.code == 0
    assert ("note: the audit trail has no event of it" in done.err) is database_url.startswith("sqlite")
    assert "0002" not in type_in("downgrade", "--yes").out


def test_a_backup_is_a_whole_database_of_nobody_elses(type_in: _Type, database_url: str, tmp_path: Path) -> None:
    type_in("upgrade")
    copy = tmp_path / "a copy.db"
    done = type_in("backup", str(copy))

    assert done.code == 0
    if database_url.startswith("sqlite"):
        assert look(f"sqlite:///{copy}", tables) == look(database_url, tables)
        assert copy.stat().st_mode & 0o077 == 0
        assert "already" in type_in("backup", str(copy)).err
        event = asyncio.run(_trail())[0]
        assert (event.action, event.metadata) == ("database.backup", {"file": str(copy)})
    else:
        assert done.out.startswith("pg_dump --format=custom --schema=proxystore ")
        assert shlex.split(done.out)[-1] == database_url.rpartition("/")[2]
        assert (DatabaseURL.parse(database_url).password or "no password") not in done.out
        assert not copy.exists()
