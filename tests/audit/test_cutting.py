"""Retention cuts the chain, and what is left still verifies."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proxystore import AuditEntry, Store, uuid7
from proxystore.changes import cut
from proxystore.database import Database
from proxystore.settings import Settings
from tests.audit.world import all_at_once, append, chain_of, entry, tamper, verdict


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=migrated_url, data_dir=tmp_path / "data", audit_keep=30)


def _old(number: int, days: float = 40) -> AuditEntry:
    at = datetime.now(UTC) - timedelta(days=days)
    return entry(number, event_id=uuid7(at), occurred_at=int(at.timestamp() * 1_000_000))


async def _cleaned(settings: Settings) -> int:
    async with Store(settings=settings) as store:
        return (await store.cleanup()).get("audit_events", 0)


async def test_what_is_old_goes_and_the_rest_verifies(settings: Settings) -> None:
    await append(settings, *map(_old, range(1_200)), *map(entry, range(5)), at_once=300)

    gone = await _cleaned(settings)
    again = await _cleaned(settings)
    found = await verdict(settings)

    assert (gone, again) == (1_200, 0)
    assert found.is_sound
    assert (found.first_seq, found.last_seq, found.verified) == (1_201, 1_206, 6)
    async with Store(settings=settings) as store:
        event, *_ = await store.audit.list(limit=10)
    assert (event.action, event.outcome) == ("audit.cut", "success")
    assert event.metadata is not None
    assert (event.metadata["seq"], event.metadata["removed"]) == (1_200, 1_200)


async def test_nothing_goes_unasked(settings: Settings) -> None:
    await append(settings, *map(_old, range(5)))

    assert await _cleaned(settings.model_copy(update={"audit_keep": 0})) == 0
    assert (await verdict(settings)).verified == 5


async def test_everything_may_go(settings: Settings) -> None:
    await append(settings, *map(_old, range(5)))

    assert await _cleaned(settings) == 5
    found = await verdict(settings)
    assert (found.is_sound, found.first_seq, found.last_seq) == (True, 6, 6)


async def test_what_was_recorded_after_something_new_stays(settings: Settings) -> None:
    """The order is that of recording: a journal that was drained late holds what is older."""
    await append(settings, _old(0), _old(1), entry(2), _old(3))

    assert await _cleaned(settings) == 2
    assert (await verdict(settings)).first_seq == 3


async def test_it_can_be_cut_again_and_again(settings: Settings) -> None:
    await append(settings, *(_old(number, 50 - number) for number in range(20)))
    for keep in (45, 40, 35):
        await _cleaned(settings.model_copy(update={"audit_keep": keep}))
        found = await verdict(settings)
        assert found.is_sound
        assert found.first_seq == 50 - keep + 1
    await append(settings, entry())
    assert (await verdict(settings)).is_sound


async def test_what_is_cut_off_is_in_no_list_though_its_rows_are_still_there(settings: Settings) -> None:
    """As after a crash between the cut and the last deletion; or where somebody puts events in again."""
    await append(settings, *map(_old, range(700)), entry(), at_once=700)
    async with Database(settings.url) as database:
        steps = cut(database, await chain_of(settings, database), keep=30)
        assert await anext(steps) == 500
        await steps.aclose()  # type: ignore[attr-defined]
    found = await verdict(settings)
    async with Store(settings=settings) as store:
        listed = [event.seq for event in await store.audit.list(limit=1_000)]

    assert found.is_sound
    assert listed == [702, 701]
    assert await _cleaned(settings) == 200


async def test_hosts_that_cut_at_once_cut_once(settings: Settings) -> None:
    await append(settings, *map(_old, range(50)), entry())

    await all_at_once(_cleaned(settings), _cleaned(settings), append(settings, entry()))
    found = await verdict(settings)
    async with Store(settings=settings) as store:
        cuts = await store.audit.list(limit=10, action="audit.cut")

    assert found.is_sound
    assert len(cuts) == 1


@pytest.mark.parametrize(
    "statements",
    [
        ["DELETE FROM audit_events WHERE seq <= 30"],
        [
            "DELETE FROM audit_events WHERE seq <= 29",
            "INSERT INTO audit_anchors SELECT 30, hash, 0 FROM audit_events WHERE seq = 30",
            "DELETE FROM audit_events WHERE seq = 30",
        ],
        ["UPDATE audit_anchors SET hash = (SELECT hash FROM audit_events WHERE seq = 25)"],
        ["DELETE FROM audit_anchors"],
    ],
)
async def test_a_cut_that_was_not_ours_is_found(settings: Settings, statements: list[str]) -> None:
    await append(settings, *map(_old, range(20)), *map(entry, range(20)))
    await _cleaned(settings)

    await tamper(settings, *statements)

    assert not (await verdict(settings)).is_sound


async def test_a_pinned_head_may_be_the_anchor_and_no_older(settings: Settings) -> None:
    await append(settings, *map(_old, range(10)))
    async with Store(settings=settings) as store:
        at_ten = await store.audit.head()
    await append(settings, *map(_old, range(10)))
    async with Store(settings=settings) as store:
        at_twenty = await store.audit.head()
    await _cleaned(settings)

    assert (await verdict(settings, head=at_twenty)).is_sound
    (problem,) = (await verdict(settings, head=at_ten)).problems
    assert problem.kind == "pin"
    assert "pin a newer head" in problem.message


async def test_a_journal_that_is_read_again_after_the_cut_adds_nothing(settings: Settings, tmp_path: Path) -> None:
    async with Store(settings=settings) as store:
        for number in range(10):
            store.ledger.trail.note(_old(number))
        assert await store.ledger.drain(10)
        (segment,) = settings.data_dir.glob("journal/*/audit/*.seg")
        kept = shutil.copy(segment, tmp_path / segment.name)
    assert await _cleaned(settings) == 10

    segment.unlink(missing_ok=True)
    shutil.copy(kept, segment)
    async with Store(settings=settings) as store:
        assert await store.ledger.drain(10)
        events = await store.audit.list(limit=100)

    assert [event.action for event in events] == ["audit.cut"]
