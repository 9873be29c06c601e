"""Reading the audit trail: the same answers on both databases."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proxystore import AuditEntry, AuditEvent, AuditEventNotFound, InvalidRecord, Store, uuid7
from proxystore.settings import Settings
from tests.audit.world import append, entry

_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def _at(second: float, **values: Any) -> AuditEntry:
    at = _NOON + timedelta(seconds=second)
    return entry(event_id=uuid7(at), occurred_at=int(at.timestamp() * 1_000_000), **values)


_ENTRIES = [
    _at(0, actor="cli:ada", reason="100%", user_agent="Agent_7"),
    _at(1, actor="cli:bob", reason="100 of", user_agent="AgentX7", request_id="r-1", correlation_id="c-1"),
    _at(2, actor="Élan", project_id="proj_1", metadata={"note": "Ünder_score 50%"}),
    _at(3, actor="élan", method="GET", path="/v1/models", client_ip="2001:db8::1"),
    _at(4, outcome="failure", reason="invalid_api_key", key_id=None, metadata=None),
]


async def _seqs(settings: Settings, **filters: Any) -> list[int]:
    async with Store(settings=settings) as store:
        return [event.seq for event in await store.audit.list(limit=100, **filters)]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"actor": "cli:ada"}, [1]),
        ({"outcome": "failure"}, [5]),
        ({"reason": "100%"}, [1]),
        ({"project_id": "proj_1"}, [3]),
        ({"key_id": "key_0"}, [4, 3, 2, 1]),
        ({"request_id": "r-1"}, [2]),
        ({"correlation_id": "c-1", "actor": "cli:bob"}, [2]),
        ({"client_ip": "2001:db8::1"}, [4]),
        ({"method": "GET"}, [4]),
        ({"path": "/v1/models"}, [4]),
        ({"user_agent": "Agent_7"}, [1]),
        ({"action": "request"}, [5, 4, 3, 2, 1]),
        ({"text": "%"}, [3, 1]),
        ({"text": "100%"}, [1]),
        ({"text": "agent_"}, [1]),
        ({"text": "AGENT"}, [2, 1]),
        ({"text": "under_SCORE"}, []),
        ({"text": "nder_SCORE"}, [3]),
        ({"text": "Élan"}, [3]),
        ({"text": "élan"}, [4]),
        ({"text": "nothing like it"}, []),
        ({"since": _NOON + timedelta(seconds=3)}, [5, 4]),
        ({"until": _NOON + timedelta(seconds=3)}, [3, 2, 1]),
        ({"since": _NOON, "until": _NOON}, []),
        ({"before": 3}, [2, 1]),
        ({"after": 3, "text": "models"}, [4]),
    ],
)
async def test_events_are_found_by_each_field(settings: Settings, filters: dict[str, Any], expected: list[int]) -> None:
    await append(settings, *_ENTRIES)

    if "after" in filters:
        async with Store(settings=settings) as store:
            assert [event.seq async for event in store.audit.events(**filters)] == expected
    else:
        assert await _seqs(settings, **filters) == expected


async def test_pages_follow_one_another(settings: Settings) -> None:
    await append(settings, *map(entry, range(25)))
    seen: list[int] = []
    async with Store(settings=settings) as store:
        page = await store.audit.list(limit=10)
        while page:
            seen += [event.seq for event in page]
            await append(settings, entry())  # what comes meanwhile moves nothing
            page = await store.audit.list(limit=10, before=page[-1].seq)

    assert seen == list(range(25, 0, -1))


async def test_an_event_comes_back_as_it_went_in(settings: Settings) -> None:
    given = _at(1.000007, request_id="r", correlation_id="c", user_agent="agent", project_id="p", actor="ada")
    await append(settings, given)
    async with Store(settings=settings) as store:
        event = await store.audit.get(given.event_id)
        again = await store.audit.get(1)

    assert event == again
    assert event.occurred_at == _NOON + timedelta(seconds=1, microseconds=7)
    names = set(AuditEntry.__struct_fields__) - {"occurred_at"}
    assert {name: getattr(event, name) for name in names} == {name: getattr(given, name) for name in names}
    assert set(AuditEvent.__struct_fields__) == {*AuditEntry.__struct_fields__, "seq", "hash"}


async def test_everything_can_be_read_in_the_order_of_the_chain(settings: Settings) -> None:
    await append(settings, *map(entry, range(1_200)), at_once=600)
    async with Store(settings=settings) as store:
        assert [event.seq async for event in store.audit.events()] == list(range(1, 1_201))
        assert [event.seq async for event in store.audit.events(after=1_195)] == [1_196, 1_197, 1_198, 1_199, 1_200]


async def test_what_is_not_there_cannot_be_asked_for(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        with pytest.raises(AuditEventNotFound):
            await store.audit.get(uuid7())
        with pytest.raises(AuditEventNotFound):
            await store.audit.get(7)
        with pytest.raises(InvalidRecord, match="colour"):
            await store.audit.list(limit=1, colour="red")
        with pytest.raises(InvalidRecord, match="time zone"):
            await store.audit.list(limit=1, since=datetime(2026, 1, 1))  # noqa: DTZ001
        now = datetime.now(UTC)
        with pytest.raises(InvalidRecord, match="before it begins"):
            await store.audit.list(limit=1, since=now, until=now - timedelta(microseconds=1))


async def test_what_is_done_by_hand_is_written_down_before_it_returns(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        event_id = await store.audit.record("report.export", actor="ada", metadata={"month": "2026-11"})
        event = await store.audit.get(event_id)

    assert (event.action, event.actor, event.outcome, event.metadata) == (
        "report.export",
        "ada",
        "success",
        {"month": "2026-11"},
    )


async def test_a_mutation_and_its_event_happen_together(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        async with store.changes.begin("api_key", action="key.update", actor="ada") as change:
            change.touched("key_1", name="new", project_id="proj_1")
            change.noted("key_2")
        with suppress(ZeroDivisionError):
            async with store.changes.begin("project", action="project.delete", actor="ada") as change:
                change.touched("proj_9")
                1 / 0  # noqa: B018
        second, first = await store.audit.list(limit=10)

    assert (first.action, first.actor, first.key_id, first.project_id) == ("key.update", "ada", "key_1", "proj_1")
    assert (first.reason, first.metadata) == (None, {"aggregate": "api_key", "name": "new", "project_id": "proj_1"})
    assert (second.key_id, second.reason) == ("key_2", "unchanged")


async def test_a_migration_is_an_event(database_url: str, tmp_path: Any) -> None:
    settings = Settings(database_url=database_url, data_dir=tmp_path / "data")
    for _ in range(2):
        async with Store(settings=settings) as store:
            (event,) = await store.audit.list(limit=10)

    assert event.action == "schema.upgrade"
    assert str((event.metadata or {})["revisions"][0]).startswith("proxystore_migrations 0001: ")


async def test_every_change_of_a_key_is_an_event_and_none_has_its_secret(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        new = await store.keys.create(name="search", actor="ada")
        await store.keys.deactivate(new.record.id, actor="bob")
        events = [event async for event in store.audit.events()]
        verdict = await store.audit.verify()

    assert [(event.action, event.actor) for event in events] == [("key.create", "ada"), ("key.deactivate", "bob")]
    assert {event.key_id for event in events} == {new.record.id}
    assert verdict.is_sound
    assert new.secret not in repr(events)
    assert new.secret[12:] not in repr(events)


async def test_a_purge_of_the_cache_is_an_event(settings: Settings) -> None:
    async with Store(settings=settings) as store:
        await store.cache.space("mine").purge(actor="ada")
        (event,) = await store.audit.list(limit=10)

    assert (event.action, event.actor) == ("cache.purge", "ada")


async def test_forty_thousand_changes_at_once_are_forty_thousand_events(settings: Settings) -> None:
    """More than a statement takes parameters."""
    async with Store(settings=settings) as store:
        async with store.changes.begin("model", action="model.import", actor="ada") as change:
            for number in range(40_000):
                change.noted(f"model_{number}")
        verdict = await store.audit.verify()

    assert (verdict.is_sound, verdict.last_seq) == (True, 40_000)
