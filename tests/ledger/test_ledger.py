from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import delete, select, text

from proxystore.database import Query, Statement
from proxystore.errors import StoreUnavailable
from proxystore.ids import milliseconds_of, uuid7
from proxystore.ledger import Ledger
from proxystore.ledger.entries import encode
from proxystore.ledger.frames import Kind, framed
from proxystore.ledger.host import host_id
from proxystore.ledger.segment import Header, Segment
from proxystore.schema.ledger import ledger_segments
from proxystore.schema.usage import BILLED, usage_events, usage_hourly, usage_series
from proxystore.settings import Settings
from tests.ledger.world import begin, database, entry, outcomes, totals, wait_until


async def test_a_thousand_entries_are_a_thousand_events_and_their_roll_ups(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    for number in range(1000):
        ledger.append(entry(key_id=f"key_{number % 7}", input_tokens=number))
    assert await ledger.drain(10)
    assert ledger.status().recorded == 1000
    await ledger.close()
    summed = await totals(settings)
    assert (summed["requests"], summed["input_tokens"], summed["cost_nanousd"]) == (1000, 499_500, 1_250_000_000)


async def test_an_event_has_every_value_of_its_entry(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    given = entry(
        outcome="disconnected",
        credential_id="cred_1",
        quality="estimated",
        reasoning_tokens=7,
        billed_ms=1500,
        first_byte_ms=None,
    )
    ledger.append(given)
    await ledger.close()
    joined = select(usage_events, *(column for column in usage_series.c if column.name != "id"))
    columns: Query[dict[str, Any]] = Query(
        joined.join(usage_series, usage_series.c.id == usage_events.c.series_id), dict
    )
    async with database(settings) as opened:
        row = await opened.fetch_one(columns)
    assert row is not None
    del row["series_id"], row["latency_bin"]
    row |= {name: row[name] or 0 for name in BILLED}
    assert row == {name: getattr(given, name) for name in row}


async def test_what_was_appended_twice_counts_once(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    twice = entry()
    ledger.append(twice)
    ledger.append(twice)
    assert await ledger.drain(10)
    ledger.append(twice)
    ledger.append(entry())
    assert await ledger.drain(10)
    assert (ledger.status().recorded, ledger.status().replayed) == (2, 2)
    await ledger.close()
    assert (await totals(settings))["requests"] == 2


async def test_closing_drains(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    for _ in range(20):
        ledger.append(entry())
    await ledger.close()
    assert (await totals(settings))["requests"] == 20


async def test_closing_twice_and_opening_again_is_harmless(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.close()
    for _ in range(2):
        await ledger.open()
        await ledger.open()
        ledger.append(entry())
        await ledger.close()
        await ledger.close()
    assert (await totals(settings))["requests"] == 2


async def test_a_closed_ledger_counts_what_it_loses_and_never_raises(settings: Settings) -> None:
    ledger = Ledger(settings)
    ledger.append(entry())
    ledger.begin(begin())
    assert not ledger.is_writable
    assert ledger.status().lost == 2


async def test_an_open_ledger_is_writable_and_says_so(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    assert ledger.is_writable
    assert ledger.status().is_writable
    await ledger.close()


async def test_what_was_begun_and_never_ended_is_a_failed_event(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    ended = begin()
    ledger.begin(ended)
    ledger.begin(begin())
    ledger.append(entry(event_id=ended.event_id))
    await ledger.close()
    again = Ledger(settings)
    await again.open()
    await wait_until(lambda: again.status().caught_up_at is not None)
    await again.close()
    assert await outcomes(settings) == {"complete": 1, "failed": 1}
    assert (await totals(settings))["requests"] == 2


@pytest.mark.parametrize("is_forgotten", [False, True], ids=["its progress known", "only its events known"])
async def test_a_segment_that_comes_back_adds_nothing(settings: Settings, is_forgotten: bool) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    for _ in range(30):
        ledger.append(entry())
    await ledger.close()
    segment = next((settings.data_dir / "journal").glob("*/*.seg"))
    segment.rename(segment.with_name("a-copy-of-another-name.seg"))
    if is_forgotten:
        async with database(settings) as opened:
            await opened.execute(Statement(delete(ledger_segments)))
    again = Ledger(settings)
    await again.open()
    again.append(entry())
    await wait_until(lambda: again.status().caught_up_at is not None)
    assert await again.drain(10)
    await again.close()
    assert (await totals(settings))["requests"] == 31


async def test_a_copy_beside_its_segment_is_not_read(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    ledger.begin(begin())
    ledger.append(entry())
    segment = next((settings.data_dir / "journal").glob("*/*.seg"))
    shutil.copy(segment, segment.with_name("0-copy.seg"))
    ledger.append(entry())
    await ledger.close()
    assert (await outcomes(settings))["complete"] == 2


async def test_a_segment_of_another_database_keeps_nobody_waiting(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    ledger.append(entry())
    _write_segment(next((settings.data_dir / "journal").glob("*")), store_id=UUID(int=9))
    assert await ledger.drain(5)
    await ledger.close()
    assert (await totals(settings))["requests"] == 1


async def test_a_segment_whose_beginning_is_damaged_tells_the_rest(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    directory = next((settings.data_dir / "journal").glob("*"))
    await ledger.close()
    path = _write_segment(directory, store_id=UUID(directory.name))
    path.write_bytes(bytes(50) + path.read_bytes()[50:])
    await ledger.open()
    assert await ledger.drain(5)
    damaged = ledger.status().damaged_bytes
    await ledger.close()
    assert damaged > 50
    assert (await totals(settings))["requests"] == 1


async def test_a_segment_of_a_newer_release_is_left_to_that(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    directory = next((settings.data_dir / "journal").glob("*"))
    path = _write_segment(directory, store_id=UUID(directory.name), version=2)
    await wait_until(lambda: ledger.status().ignored == 1)
    assert await ledger.drain(5)
    await ledger.close()
    assert path.exists()
    assert (await totals(settings))["requests"] == 0


def _write_segment(directory: Path, *, store_id: UUID, version: int = 1) -> Path:
    """Write what a process leaves that has died after one request."""
    header = Header(version=version, store_id=store_id, host_id=host_id(), process_id=uuid4(), segment_id=uuid7())
    path = directory / header.file_name
    path.write_bytes(framed(Kind.HEADER, msgspec.json.encode(header)) + framed(Kind.END, encode(entry())))
    return path


async def test_what_the_disk_has_not_taken_is_not_said_to_be_recorded(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, given = Ledger(settings), entry()
    await ledger.open()
    with monkeypatch.context() as full:
        full.setattr(Segment, "append", lambda *_: False)
        with pytest.raises(StoreUnavailable, match="is the disk full"):
            ledger.record(given)
    monkeypatch.setattr("proxystore.ledger.journal._RETRY_AFTER", 0.0)
    await wait_until(lambda: ledger.is_writable)
    ledger.record(given)  # as whoever was refused does
    await ledger.close()
    assert (await totals(settings))["requests"] == 1


async def test_ids_from_times_that_cannot_be_are_moved_to_the_journal_s_own(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    ledger.append(entry(event_id=UUID(int=2**127 + 12345)))
    ledger.append(entry(event_id=uuid7(1000)))
    await ledger.close()
    async with database(settings) as opened:
        ids = await opened.fetch_all(Query(select(usage_events.c.event_id), lambda event_id: event_id))
    now = datetime.now(UTC).timestamp() * 1000
    assert [abs(milliseconds_of(event_id) - now) < 60_000 for event_id in ids] == [True, True]
    assert {event_id.version for event_id in ids} == {7}


async def test_a_partition_that_was_dropped_is_made_again(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    ledger.append(entry())
    assert await ledger.drain(10)
    if settings.url.dialect == "postgresql":  # SQLite has no partitions
        partition = f"{settings.database_schema}.usage_events_{datetime.now(UTC):%Y%m}"
        async with database(settings) as opened:
            await opened.execute(Statement(text(f"DROP TABLE {partition}")))
    for _ in range(20):
        ledger.append(entry())
    assert await ledger.drain(10)
    assert (ledger.status().recorded, ledger.status().dead_lettered) == (21, 0)
    await ledger.close()


async def test_events_fall_into_the_hour_and_day_they_began_in(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    before, after = (uuid7(int(midnight.timestamp() * 1000) + shift) for shift in (-1, 0))
    ledger.append(entry(event_id=before))
    ledger.append(entry(event_id=after))
    await ledger.close()
    hours = Query(select(usage_hourly.c.hour).order_by(usage_hourly.c.hour), lambda hour: hour)
    async with database(settings) as opened:
        assert await opened.fetch_all(hours) == [milliseconds_of(event) // 3_600_000 for event in (before, after)]


async def test_months_without_a_partition_get_one(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    now = datetime.now(UTC)
    for months in range(6):
        moment = int(now.timestamp() * 1000) - months * 32 * 86_400_000
        ledger.append(entry(event_id=uuid7(moment)))
    await ledger.close()
    assert (await totals(settings))["requests"] == 6
