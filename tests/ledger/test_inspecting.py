from __future__ import annotations

import shutil
from uuid import UUID

from proxystore.ledger import Ledger, inspect
from proxystore.ledger.journal import Journal
from proxystore.settings import Settings
from tests.ledger.world import begin, entry, wait_until


async def _identity(settings: Settings) -> UUID:
    ledger = Ledger(settings)
    await ledger.open()
    await ledger.close()
    (directory,) = (settings.data_dir / "journal").iterdir()
    return UUID(directory.name)


def _journal(settings: Settings, identity: UUID) -> Journal:
    journal = Journal(settings.data_dir / "journal" / str(identity), identity)
    journal.open()
    return journal


async def test_what_no_writer_has_written_down_is_pending(settings: Settings) -> None:
    identity = await _identity(settings)
    journal = _journal(settings, identity)
    journal.begin(begin())
    for _ in range(3):
        journal.end(entry())
    seen = await inspect(settings)
    assert (seen.pending, seen.in_flight, seen.segments, seen.is_reachable) == (3, 1, 1, True)
    assert seen.oldest_seconds is not None
    assert not seen.has_writer
    journal.close()


async def test_what_is_written_down_is_not_pending(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    ledger.begin(begin())
    for _ in range(3):
        ledger.append(entry())
    assert await ledger.drain(10)
    await wait_until(lambda: ledger.status().is_writer)
    seen = await inspect(settings)
    assert (seen.pending, seen.in_flight, seen.oldest_seconds, seen.has_writer) == (0, 1, None, True)
    await ledger.close()
    again = Ledger(settings)
    await again.open()
    await wait_until(lambda: again.status().caught_up_at is not None)
    await again.close()
    assert (await inspect(settings)).in_flight == 0  # it has failed, and is written down


async def test_a_database_that_is_away_is_told_of_and_all_counts_as_pending(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    ledger.append(entry())
    await ledger.close()
    nowhere = "sqlite:////nowhere/at/all.db" if settings.url.path else "postgresql://nobody@127.0.0.1:1/none"
    seen = await inspect(Settings(database_url=nowhere, data_dir=settings.data_dir))
    assert (seen.is_reachable, seen.pending, seen.lost) == (False, 1, None)


async def test_losses_replays_and_damage_are_counted_where_every_process_sees_them(settings: Settings) -> None:
    identity = await _identity(settings)
    journal = _journal(settings, identity)
    given = entry()
    journal.end(given)
    journal.end(given)
    journal.lose()
    journal.lose()
    journal.end(entry())
    journal.close()
    (segment,) = journal.directory.glob("*.seg")
    with segment.open("ab") as file:
        file.write(b"damage")
    ledger = Ledger(settings)
    await ledger.open()
    await wait_until(lambda: ledger.status().caught_up_at is not None)
    assert (ledger.status().replayed, ledger.status().damaged_bytes) == (1, 6)
    await ledger.close()
    seen = await inspect(settings)
    assert (seen.lost, seen.replayed, seen.damaged_bytes, seen.bad_files, seen.dead_letters) == (2, 1, 6, 1, 0)
    (bad,) = journal.directory.glob("*.bad")
    assert bad.read_bytes() == b"damage"


async def test_segments_of_another_database_are_elsewhere_or_ignored(settings: Settings) -> None:
    identity = await _identity(settings)
    other = _journal(settings, UUID(int=7))
    other.end(entry())
    assert (await inspect(settings)).elsewhere == 1
    (segment,) = other.directory.glob("*.seg")
    shutil.copy(segment, settings.data_dir / "journal" / str(identity))
    ledger = Ledger(settings)
    await ledger.open()
    await wait_until(lambda: ledger.status().ignored == 1)
    assert ledger.status().recorded == 0
    await ledger.close()
    other.close()
