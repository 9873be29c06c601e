"""What the doctor finds in the journal."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner

from proxystore.cli import build
from proxystore.database import Database
from proxystore.doctor import Finding
from proxystore.ids import uuid7
from proxystore.ledger import Ledger
from proxystore.ledger.audit_entries import audit_frame
from proxystore.ledger.entries import encode
from proxystore.ledger.frames import Kind, framed
from proxystore.ledger.identity import store_id
from proxystore.ledger.journal import Journal
from proxystore.ledger.segment import Segment
from proxystore.ledger.trail import AUDIT_FOLDER
from proxystore.records.audit import AuditEntry
from proxystore.settings import Settings
from tests.doctor.examined import examined, only, problems
from tests.ledger.world import begin, entry

_HOUR_MS = 3_600_000


@pytest.fixture(name="settings")
def _settings(migrated_url: str, data_dir: Path) -> Settings:
    return Settings(database_url=migrated_url, data_dir=data_dir)


@pytest.fixture(name="store")
def _store(settings: Settings) -> UUID:
    """The id of a store that was opened once."""

    async def identify() -> UUID:
        async with Database(settings.url) as database:
            return await store_id(database)

    return asyncio.run(identify())


def _written(settings: Settings, store: UUID, *, hours_ago: int = 0) -> Path:
    """Write a request's beginning and end that no writer takes up; return the directory."""
    journal = Journal(settings.data_dir / "journal" / str(store), store)
    journal.open()
    started = begin(event_id=uuid7(time.time_ns() // 1_000_000 - hours_ago * _HOUR_MS))
    journal.begin(started)
    journal.end(entry(event_id=started.event_id, latency_ms=0))
    journal.close()
    return journal.directory


def _noted(settings: Settings, store: UUID, *, hours_ago: int = 0) -> Path:
    """Note something for the audit trail that no writer takes up; return the directory."""
    at = time.time_ns() // 1_000_000 - hours_ago * _HOUR_MS
    journal = Journal(settings.data_dir / "journal" / str(store) / AUDIT_FOLDER, store)
    journal.open()
    journal.note(audit_frame(AuditEntry(event_id=uuid7(at), occurred_at=at * 1000, action="request")))
    journal.close()
    return journal.directory


def _findings(settings: Settings, check: str = "journal") -> list[Finding]:
    findings = examined(database_url=settings.database_url, data_dir=settings.data_dir)
    return [finding for finding in findings if finding.check == check]


def test_what_was_written_down_is_well(settings: Settings) -> None:
    async def work() -> list[Finding]:
        ledger = Ledger(settings)
        await ledger.open()
        ledger.append(entry())
        await ledger.drain(10)
        found = await asyncio.to_thread(_findings, settings)  # while the segment is there and locked
        await ledger.close()
        return found

    (finding,) = asyncio.run(work())
    assert (finding.level, finding.message) == ("ok", "all of it is in the database")


def test_what_has_just_been_written_is_no_problem(settings: Settings, store: UUID) -> None:
    _written(settings, store)

    (finding,) = _findings(settings)

    assert finding.level == "ok"
    assert "1 event is not in the database" in finding.message


def test_what_waits_for_long_is_a_problem(settings: Settings, store: UUID) -> None:
    _written(settings, store)
    _written(settings, store, hours_ago=2)

    (finding,) = problems(_findings(settings))

    assert "2 events are not in the database" in finding.message
    assert "120 minutes" in finding.message


def test_what_waits_for_the_audit_trail_is_told_by_itself(settings: Settings, store: UUID) -> None:
    (well,) = _findings(settings, "audit")
    _noted(settings, store)
    (waiting,) = _findings(settings, "audit")
    _noted(settings, store, hours_ago=2)
    (late,) = _findings(settings, "audit")

    assert (well.level, well.message) == ("ok", "all of it is in the database")
    assert waiting.level == "ok"
    assert "1 audit event is not in the database" in waiting.message
    assert late.level == "problem"
    assert "2 audit events are not in the database, the oldest for 120 minutes" in late.message
    assert "`proxystore audit list`" in str(late.mend)
    assert [finding.level for finding in _findings(settings)] == ["ok"]


def test_what_mends_takes_up_what_waits(settings: Settings, store: UUID) -> None:
    _written(settings, store, hours_ago=2)
    _noted(settings, store, hours_ago=2)

    for group in ("audit", "usage"):
        assert CliRunner().invoke(build(settings, group), [group, "list"]).exit_code == 0

    assert {finding.message for check in ("journal", "audit") for finding in _findings(settings, check)} == {
        "all of it is in the database"
    }


def test_looking_leaves_the_segments_to_their_writer(settings: Settings, store: UUID) -> None:
    directory = _written(settings, store, hours_ago=2)
    before = {path: path.read_bytes() for path in directory.iterdir()}

    _findings(settings)

    assert {path: path.read_bytes() for path in directory.iterdir()} == before


def test_events_for_another_database_are_told(settings: Settings, store: UUID) -> None:
    stranger = _written(settings, uuid4())

    (finding,) = [each for each in _findings(settings) if each.level == "warning"]

    assert f"{stranger} holds 1 event for another database" in finding.message


def test_another_host_that_writes_here_is_told(settings: Settings, store: UUID) -> None:
    directory = settings.data_dir / "journal" / str(store)
    directory.mkdir(parents=True, mode=0o700)
    frame = framed(Kind.END, encode(entry()))
    Segment.create(directory, store_id=store, host_id="f" * 16, process_id=uuid4(), entries=frame).close()

    (finding,) = [each for each in _findings(settings) if each.level == "warning"]

    assert "1 other host wrote here" in finding.message
    assert "PROXYSTORE_DATA_DIR" in str(finding.mend)


def test_entries_that_were_set_aside_are_told(settings: Settings, store: UUID) -> None:
    directory = _written(settings, store)
    (directory / f"{uuid4()}.bad").touch()

    assert any(".bad" in each.message for each in _findings(settings) if each.level == "warning")


def test_while_the_database_is_away_only_what_lies_there_is_told(settings: Settings, store: UUID) -> None:
    _written(settings, store)
    away = "postgresql://localhost:1/away"

    findings = examined(database_url=away, data_dir=settings.data_dir)

    (finding,) = only(findings, "journal", "warning")
    assert "1 segment (1 kB)" in finding.message


def test_what_makes_no_sense_is_left_to_the_writer(settings: Settings, store: UUID) -> None:
    directory = _written(settings, store)
    (segment,) = directory.glob("*.seg")
    with segment.open("ab") as file:
        file.write(framed(Kind.END, b"{}") + b"rubbish")
    (directory / "x.seg").write_bytes(b"rubbish")

    (finding,) = _findings(settings)

    assert "2 events" in finding.message
