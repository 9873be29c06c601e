"""A chain of audit events: whatever is done to it behind our back is found, and said where."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

import pytest

from proxystore import AuditHead, AuditVerdict, SettingsError, Store, StoreUnavailable
from proxystore.changes import Chain
from proxystore.changes.links import BEGINNING, link
from proxystore.credentials import Pepper
from proxystore.database import Database
from proxystore.settings import Settings
from tests.audit.world import all_at_once, append, chain_of, entry, tamper, verdict

_SWAPPED = "metadata, event_id, occurred_at, hash"


def _found(found: AuditVerdict) -> list[tuple[int, str]]:
    return [(problem.seq, problem.kind) for problem in found.problems]


async def test_what_was_appended_verifies(settings: Settings) -> None:
    empty = await verdict(settings)
    await append(settings, *map(entry, range(120)))

    found = await verdict(settings)

    assert empty.is_sound
    assert (empty.first_seq, empty.last_seq, empty.verified, empty.head.seq) == (0, 0, 0, 0)
    assert found.problems == ()
    assert (found.first_seq, found.last_seq, found.verified, found.head.seq) == (1, 120, 120, 120)


async def test_the_same_entry_is_one_event_however_often_it_comes(settings: Settings) -> None:
    entries = [entry(number) for number in range(10)]

    first = await append(settings, *entries[:6])
    again = await append(settings, *entries, entries[0])

    assert (first, again) == (6, 4)
    assert (await verdict(settings)).verified == 10


async def test_many_writers_make_one_chain(settings: Settings) -> None:
    """Four connections of four pools, each as a process of its own would have it."""
    shared = [entry(number) for number in range(20)]
    counts = await all_at_once(*(append(settings, *map(entry, range(50)), *shared, at_once=7) for _ in range(4)))

    found = await verdict(settings)

    assert sum(counts) == 220
    assert found.is_sound
    assert found.verified == 220


@pytest.mark.parametrize(
    "change",
    [
        "reason = 'fine'",
        "actor = 'somebody'",
        "outcome = 'success'",
        "occurred_at = occurred_at + 1",
        "key_id = NULL",
        "user_agent = ''",
        "metadata = NULL",
        "hash = (SELECT hash FROM audit_events WHERE seq = 9)",
    ],
)
async def test_an_edited_event_is_found(settings: Settings, change: str) -> None:
    await append(settings, *map(entry, range(20)))

    await tamper(settings, f"UPDATE audit_events SET {change} WHERE seq = 7")

    assert _found(await verdict(settings))[0] == (7, "changed")


async def test_a_deleted_event_is_found(settings: Settings) -> None:
    await append(settings, *map(entry, range(20)))

    await tamper(
        settings, "DELETE FROM audit_events WHERE seq BETWEEN 5 AND 6", "DELETE FROM audit_events WHERE seq = 9"
    )

    found = await verdict(settings)
    assert [problem.message for problem in found.problems] == ["events 5 to 6 are missing", "event 9 is missing"]
    assert found.problems[0].seq == 5


async def test_the_deletion_of_the_first_event_is_found(settings: Settings) -> None:
    await append(settings, *map(entry, range(5)))

    await tamper(settings, "DELETE FROM audit_events WHERE seq = 1")

    assert _found(await verdict(settings)) == [(1, "missing")]


async def test_a_deletion_is_found_though_the_rest_was_renumbered(settings: Settings) -> None:
    await append(settings, *map(entry, range(6)))

    await tamper(
        settings,
        "DELETE FROM audit_events WHERE seq = 3",
        *(f"UPDATE audit_events SET seq = {seq - 1} WHERE seq = {seq}" for seq in (4, 5, 6)),
    )

    assert _found(await verdict(settings)) == [(3, "changed"), (4, "changed"), (5, "changed"), (6, "missing")]


async def test_the_deletion_of_the_last_event_is_found(settings: Settings) -> None:
    await append(settings, *map(entry, range(20)))

    await tamper(settings, "DELETE FROM audit_events WHERE seq > 18")

    found = await verdict(settings)
    assert [problem.message for problem in found.problems] == ["events 19 to 20 are missing"]


async def test_a_shortened_chain_is_found_though_its_end_was_moved(settings: Settings) -> None:
    await append(settings, *map(entry, range(20)))

    await tamper(
        settings,
        "DELETE FROM audit_events WHERE seq > 18",
        "UPDATE audit_head SET seq = 18, hash = (SELECT hash FROM audit_events WHERE seq = 18)",
    )

    assert _found(await verdict(settings)) == [(18, "end")]


async def test_writing_on_does_not_make_a_shortened_chain_sound(settings: Settings) -> None:
    await append(settings, *map(entry, range(20)))
    await tamper(
        settings,
        "DELETE FROM audit_events WHERE seq > 18",
        "UPDATE audit_head SET seq = 18, hash = (SELECT hash FROM audit_events WHERE seq = 18)",
    )

    await append(settings, entry(20))
    found = await verdict(settings)

    assert _found(found) == [(19, "tampered")]
    assert found.last_seq == 20


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_head",
        "UPDATE audit_head SET seq = 3",
        "UPDATE audit_head SET seal = hash",
        "UPDATE audit_head SET seal = 'no bytes'",  # SQLite keeps text as text
        "UPDATE audit_head SET hash = 'no bytes'",
    ],
)
async def test_writing_goes_on_whatever_was_done_to_the_end(settings: Settings, statement: str) -> None:
    await append(settings, *map(entry, range(5)))
    await tamper(settings, statement)
    before = await verdict(settings)

    await append(settings, entry(5))
    found = await verdict(settings)

    assert before.problems[0].kind == "end"
    assert _found(found) == [(6, "tampered")]
    assert found.last_seq == 7


async def test_text_in_the_place_of_hashes_is_found_by_who_reads_them(settings: Settings) -> None:
    await append(settings, *map(entry, range(5)))

    await tamper(settings, "UPDATE audit_events SET hash = 'no bytes' WHERE seq = 5")
    found = await verdict(settings)
    async with Store(settings=settings) as store:
        latest = (await store.audit.list(limit=1))[0]

    assert not found.is_sound
    assert latest.seq == 5


@pytest.mark.parametrize("seq", [-1, 3])
async def test_a_row_with_an_event_s_id_where_nobody_looks_does_not_keep_it_out(settings: Settings, seq: int) -> None:
    """Whoever is refused is told the event's id before it is in the chain, and may be able to write the table."""
    await append(settings, *(entry(number, occurred_at=1_000) for number in range(5)))
    short = Settings(database_url=settings.database_url, data_dir=settings.data_dir, audit_keep=1)
    async with Store(settings=short) as store:
        assert [step async for step in store.ledger.cleanup() if step == ("audit_events", 5)]
    coming = entry(7)
    await tamper(
        settings,
        "INSERT INTO audit_events (seq, hash, event_id, occurred_at, action, outcome)"
        f" SELECT {seq}, hash, {_literal(coming.event_id, settings)}, 1, action, outcome FROM audit_events"
        " WHERE seq = 6",
    )

    assert await append(settings, coming) == 1
    found = await verdict(settings)

    assert _found(found) == [(7, "tampered")]
    assert found.last_seq == 8


async def test_a_chain_that_is_put_back_to_what_it_was_is_found_by_who_has_seen_more(settings: Settings) -> None:
    await append(settings, *map(entry, range(5)))
    kept = "CREATE TABLE kept AS SELECT seq, hash, seal FROM audit_head"
    await tamper(settings, kept)
    async with Store(settings=settings) as store:
        await store.audit.record("something.bad")
        await store.audit.record("something.worse")
        await tamper(
            settings,
            "DELETE FROM audit_events WHERE seq > 5",
            *(f"UPDATE audit_head SET {name} = (SELECT {name} FROM kept)" for name in ("seq", "hash", "seal")),
            "DROP TABLE kept",
        )
        await store.audit.record("something.else")
        await store.audit.record("something.good")

    assert _found(await verdict(settings)) == [(6, "tampered")]


async def test_an_event_that_is_undone_with_its_cause_has_not_been_seen(settings: Settings) -> None:
    async with Database(settings.url) as database:
        chain = await chain_of(settings, database)
        with suppress(InterruptedError):
            async with database.transaction() as transaction:
                await chain.append(transaction, [entry(1)])
                await chain.append(transaction, [entry(2)])
                raise InterruptedError
        async with database.transaction() as transaction:
            await chain.append(transaction, [entry(3)])

    assert (await verdict(settings)).is_sound


async def test_two_swapped_events_are_found(settings: Settings) -> None:
    await append(settings, *map(entry, range(20)))

    await tamper(
        settings,
        "UPDATE audit_events SET seq = -1 WHERE seq = 4",
        "UPDATE audit_events SET seq = 4 WHERE seq = 11",
        "UPDATE audit_events SET seq = 11 WHERE seq = -1",
    )

    assert _found(await verdict(settings)) == [(4, "changed"), (5, "changed"), (11, "changed"), (12, "changed")]


async def test_an_event_put_in_behind_the_end_is_found_and_keeps_nobody_from_writing(settings: Settings) -> None:
    await append(settings, *map(entry, range(3)))
    await tamper(
        settings,
        "INSERT INTO audit_events (seq, hash, event_id, occurred_at, action, outcome)"
        f" SELECT 4, hash, {_other_id(settings)}, occurred_at, action, outcome FROM audit_events WHERE seq = 3",
    )
    before = await verdict(settings)

    assert await append(settings, entry(4), entry(5)) == 2
    after = await verdict(settings)

    assert _found(before) == [(4, "changed"), (4, "inserted")]
    assert _found(after) == [(4, "changed"), (5, "tampered")]


def _other_id(settings: Settings) -> str:
    return _literal(UUID("00000000-0000-7000-8000-00000000abcd"), settings)


def _literal(identity: UUID, settings: Settings) -> str:
    return f"x'{identity.hex}'" if settings.url.dialect == "sqlite" else f"'{identity}'"


async def test_what_cannot_even_be_read_is_found(sqlite_template: object, tmp_path: object, migrated_url: str) -> None:
    if not migrated_url.startswith("sqlite"):
        return  # PostgreSQL keeps no text that is none
    settings = Settings(database_url=migrated_url)
    await append(settings, *map(entry, range(30)))

    await tamper(settings, "UPDATE audit_events SET reason = CAST(x'ff61' AS TEXT) WHERE seq = 17")
    found = await verdict(settings)

    assert _found(found) == [(17, "unreadable")]
    assert found.verified == 28  # the one behind it has nothing to be checked against


async def test_problems_are_listed_up_to_a_hundred(settings: Settings) -> None:
    await append(settings, *map(entry, range(150)), at_once=150)

    await tamper(settings, "UPDATE audit_events SET reason = 'fine'")
    found = await verdict(settings)

    assert len(found.problems) == 100
    assert not found.is_complete


async def test_a_pinned_head_proves_that_nothing_before_it_changed(settings: Settings) -> None:
    await append(settings, *map(entry, range(5)))
    async with Store(settings=settings) as store:
        pinned = AuditHead.parse((await store.audit.head()).pin)
    await append(settings, *map(entry, range(5)))

    assert (await verdict(settings, head=pinned)).is_sound
    other = AuditHead(seq=pinned.seq, hash="00" * 32)
    assert _found(await verdict(settings, head=other)) == [(5, "pin")]
    later = AuditHead(seq=11, hash=pinned.hash)
    assert _found(await verdict(settings, head=later)) == [(11, "pin")]


async def test_a_chain_that_was_made_anew_is_found_by_a_pinned_head(settings: Settings) -> None:
    """Whoever wipes everything leaves what looks like a new store: that is what a pin is for."""
    await append(settings, *map(entry, range(5)))
    async with Store(settings=settings) as store:
        pinned = await store.audit.head()
    await tamper(settings, "DELETE FROM audit_events", "DELETE FROM audit_head")
    await append(settings, *map(entry, range(9)))

    assert (5, "pin") in _found(await verdict(settings, head=pinned))


@pytest.mark.parametrize("pin", ["", "5", "5:", "x:00", f"5:{'0' * 63}", f"-1:{'0' * 64}"])
def test_what_is_no_head_is_refused(pin: str) -> None:
    with pytest.raises(ValueError, match="no head"):
        AuditHead.parse(pin)


async def test_a_key_can_be_followed_by_another(settings: Settings) -> None:
    older, both = (settings.model_copy(update={"audit_key": _secret(text)}) for text in (_A, f"{_B},{_A}"))
    await append(older, *map(entry, range(5)))
    await append(both, *map(entry, range(5)))

    assert (await verdict(both)).is_sound
    assert (await verdict(older)).problems[0].seq == 6


async def test_an_older_key_makes_no_event_after_a_newer_one(settings: Settings) -> None:
    """Else whoever found the key that was given up could write on."""
    both = settings.model_copy(update={"audit_key": _secret(f"{_B},{_A}")})
    await append(both, *map(entry, range(5)))
    async with Database(settings.url) as database, database.transaction() as transaction:
        await Chain([Pepper(9, _A.encode())]).append(transaction, [entry()])

    assert not (await verdict(both)).is_sound


async def test_a_process_that_has_not_heard_of_the_newer_key_waits_and_cries_no_tampering(settings: Settings) -> None:
    """So the key may be changed host by host, while the others go on."""
    older, both = (settings.model_copy(update={"audit_key": _secret(text)}) for text in (_A, f"{_B},{_A}"))
    async with Store(settings=older) as first, Store(settings=both) as second:
        await first.audit.record("one")
        first.ledger.trail.note(entry(1))
        assert await first.ledger.trail.drain(10)
        await second.audit.record("two")
        with pytest.raises(StoreUnavailable, match="PROXYSTORE_AUDIT_KEY"):
            await first.audit.record("three")
        with pytest.raises(StoreUnavailable, match="PROXYSTORE_AUDIT_KEY"):
            await first.projects.create(name="refused")
        first.ledger.trail.note(entry(2))
    async with Store(settings=both) as third:
        assert await third.ledger.trail.drain(10)
        assert (await third.audit.verify()).is_sound
        noted = [event.metadata async for event in third.audit.events(action="request")]
    assert noted == [entry(1).metadata, entry(2).metadata]


_A, _B = "a" * 32, "b" * 32


def _secret(text: str) -> object:
    from pydantic import SecretStr

    return SecretStr(text)


async def test_an_entry_that_fits_no_column_is_made_to_fit(settings: Settings) -> None:
    odd = entry(
        actor="a\0b\ud800" * 100,
        path="/" + "x" * 10_000,
        user_agent="\ud800",
        metadata={"text": "\ud800", "many": list(range(10_000))},
        occurred_at=2**70,
        outcome="odd",
    )
    long = entry(metadata={"text": "x" * 10_000})
    surrogate = entry(metadata={"\ud800": "\0"})
    await append(settings, odd, long, surrogate, entry(metadata={"nul": "a\0\\u0000", "object": object()}))

    async with Store(settings=settings) as store:
        events = await store.audit.list(limit=10)
    assert (await verdict(settings)).verified == 4
    assert len(events[3].path or "") == 2000
    assert events[3].outcome == "error"
    assert events[2].metadata == {"left_out": ["text"]}
    assert events[0].metadata is not None
    assert events[0].metadata["nul"] == "a\0\\u0000"


def test_a_link_covers_all_there_is() -> None:
    content = [b"i" * 16, 1, "a", None, "b"]
    one = link(b"key", 1, BEGINNING, content)

    assert len(one) == 32
    others = {
        link(b"other", 1, BEGINNING, content),
        link(b"key", 2, BEGINNING, content),
        link(b"key", 1, one, content),
        link(b"key", 1, BEGINNING, [b"i" * 16, 1, "a", "", "b"]),
        link(b"key", 1, BEGINNING, [b"i" * 16, 1, "ab", None, ""]),
    }
    assert len(others | {one}) == 6


async def test_another_key_than_the_databases_stops_the_start(settings: Settings) -> None:
    await append(settings.model_copy(update={"audit_key": _secret(_A)}), entry())

    with pytest.raises(SettingsError, match="PROXYSTORE_AUDIT_KEY is not the audit key"):
        await verdict(settings.model_copy(update={"audit_key": _secret(_B)}))


async def test_an_event_and_its_cause_happen_together_or_not_at_all(settings: Settings) -> None:
    chain = Chain([Pepper(1, b"key")])
    async with Database(settings.url) as database:
        with suppress(RuntimeError):
            async with database.transaction() as transaction:
                await chain.append(transaction, [entry()])
                raise RuntimeError

    assert (await verdict(settings)).last_seq == 0
