"""What the doctor finds wrong with a database."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proxystore import migrating
from proxystore.database import Database
from proxystore.doctor import clock, database
from proxystore.doctor.database import Facts
from proxystore.settings import DatabaseURL, Settings
from proxystore.testing.postgres import own_server
from tests.doctor.examined import examined, only, problems
from tests.migrations.looking import catalogue, change, look


def test_a_migrated_database_is_all_well(migrated_url: str, data_dir: Path) -> None:
    findings = examined(database_url=migrated_url, data_dir=data_dir)

    assert not problems(findings)
    assert {"database", "schema", "clock", "journal"} <= {each.check for each in findings if each.level == "ok"}


def test_examining_changes_nothing(migrated_url: str, data_dir: Path, tmp_path: Path) -> None:
    before = look(migrated_url, catalogue), sorted(tmp_path.rglob("*"))

    examined(database_url=migrated_url, data_dir=data_dir)

    assert (look(migrated_url, catalogue), sorted(tmp_path.rglob("*"))) == before


def test_what_is_not_there_is_not_made(data_dir: Path, tmp_path: Path) -> None:
    findings = examined(database_url=f"sqlite:///{tmp_path}/new/proxystore.db")

    (finding,) = only(findings, "database", "warning")
    assert finding.mend == "proxystore db upgrade"
    assert not problems(findings)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("auto_migrate", "level"), [(True, "warning"), (False, "problem")])
def test_a_missing_revision_is_mended_by_upgrading(
    migrated_url: str, data_dir: Path, auto_migrate: bool, level: str
) -> None:
    asyncio.run(migrating.downgrade(DatabaseURL.parse(migrated_url), schema="proxystore"))

    findings = examined(database_url=migrated_url, data_dir=data_dir, auto_migrate=auto_migrate)

    assert {finding.mend for finding in only(findings, "schema", level)} == {"proxystore db upgrade"}
    assert not only(findings, "schema", "ok")


def test_an_empty_database_wants_upgrading(postgres_url: str, data_dir: Path) -> None:
    findings = examined(database_url=postgres_url, data_dir=data_dir, auto_migrate=False)

    assert {finding.mend for finding in problems(findings)} == {"proxystore db upgrade"}


def test_an_unknown_revision_is_told(migrated_url: str, data_dir: Path) -> None:
    change(migrated_url, "UPDATE proxystore_version SET version_num = '9999'")

    (finding,) = problems(examined(database_url=migrated_url, data_dir=data_dir))

    assert finding.check == "schema"
    assert "9999" in finding.message
    assert "Install that, or restore a backup" in finding.message


def test_a_table_that_somebody_dropped_is_named(migrated_url: str, data_dir: Path) -> None:
    change(migrated_url, "DROP TABLE changes")

    findings = problems(examined(database_url=migrated_url, data_dir=data_dir))

    assert any("changes" in finding.message for finding in findings)
    assert {finding.check for finding in findings} == {"schema"}


def test_a_file_of_another_program_is_told(tmp_path: Path, data_dir: Path) -> None:
    with sqlite3.connect(tmp_path / "theirs.db") as theirs:
        theirs.execute("CREATE TABLE songs (title)")
    theirs.close()

    (finding,) = problems(examined(database_url=f"sqlite:///{tmp_path}/theirs.db", data_dir=data_dir))

    assert "songs" in finding.message


def test_a_file_that_is_no_database_is_told(tmp_path: Path, data_dir: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"SQLite format 4\0" * 512)

    (finding,) = problems(examined(database_url=f"sqlite:///{tmp_path}/broken.db", data_dir=data_dir))

    assert "broken.db cannot be used: the file is no SQLite database" in finding.message


def test_a_server_that_is_away_is_told_without_its_password(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]

    findings = examined(database_url=f"postgresql://someone:hunter2@127.0.0.1:{port}/gone", data_dir=data_dir)

    (finding,) = problems(findings)
    assert finding.check == "database"
    assert f"127.0.0.1:{port}/gone" in finding.message
    assert "hunter2" not in str(findings)
    assert only(findings, "permissions", "ok")


def test_a_server_that_is_frozen_is_given_up(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "DEADLINE", 0.5)
    with own_server() as postgres:
        postgres.freeze()
        findings = examined(database_url=postgres.url, data_dir=data_dir)

    assert [finding.check for finding in problems(findings)] == ["database"]


def test_a_password_that_is_wrong_is_told(postgres_url: str, data_dir: Path) -> None:
    change(postgres_url, "CREATE ROLE nobody_may_enter NOLOGIN")
    try:
        (finding,) = problems(
            examined(database_url=postgres_url.replace("postgres@", "nobody_may_enter@"), data_dir=data_dir)
        )
    finally:
        change(postgres_url, "DROP ROLE nobody_may_enter")

    assert "nobody_may_enter" in finding.message


def test_an_old_server_is_told() -> None:
    settings = Settings(database_url="postgresql://localhost/name")

    found = list(database.check(settings, Facts((13, 4), None, {}, {}, None), []))

    assert [finding.level for finding in found] == ["problem", "ok", "ok"]
    assert found[0].mend == "use PostgreSQL 14 or newer"


def test_a_database_in_memory_is_a_warning() -> None:
    findings = examined(database_url="sqlite:///:memory:")

    assert not problems(findings)
    assert only(findings, "volume", "warning")


@pytest.mark.parametrize(("seconds", "level"), [(-3, "problem"), (-1, "ok"), (0.2, "ok"), (1.9, "ok"), (90, "problem")])
def test_a_clock_may_be_two_seconds_off(seconds: float, level: str) -> None:
    now = datetime.now(UTC)
    clocks = (now, now + timedelta(seconds=seconds), now)

    assert [finding.level for finding in clock.check(Facts((15,), None, {}, {}, clocks))] == [level]


def test_a_slow_answer_is_no_wrong_clock() -> None:
    before, after = datetime.now(UTC), datetime.now(UTC) + timedelta(seconds=4)

    assert clock.apart(before, before + timedelta(seconds=2), after) == timedelta()


async def test_the_servers_clock_is_read(postgres_url: str) -> None:
    facts = await database.look(Settings(database_url=postgres_url), [])

    assert facts.clocks is not None
    assert facts.clocks[1].tzinfo is not None
    async with Database(DatabaseURL.parse(postgres_url)) as opened:
        version = (await opened.health()).server_version
    assert str(version).startswith(str(facts.version[0]))


def test_a_database_that_is_not_there_is_mended_by_making_it(postgres_url: str, data_dir: Path) -> None:
    url = postgres_url.rpartition("/")[0] + "/absent"

    (finding,) = only(examined(database_url=url, data_dir=data_dir), "database", "problem")
    assert "the server has no database 'absent'" in finding.message
    assert str(finding.mend).startswith("`createdb ")


def test_a_directory_in_place_of_the_file_is_told_once(data_dir: Path) -> None:
    (data_dir / "x.db").mkdir(parents=True)

    (finding,) = problems(examined(database_url=f"sqlite:///{data_dir}/x.db", data_dir=data_dir))
    assert "that is a directory" in finding.message
