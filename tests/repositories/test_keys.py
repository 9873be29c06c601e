"""Keys: made, found, changed, rotated, imported, revoked, deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from proxystore import (
    Conflict,
    InvalidRecord,
    KeyExpired,
    KeyInactive,
    KeyMetadata,
    KeyNotFound,
    KeyRecord,
    ProjectInactive,
    ProjectNotFound,
    Settings,
    Store,
    uuid7,
)
from proxystore.ids import shown
from proxystore.repositories.keys.judging import usable
from tests.ledger.world import entry

_FOREIGN = "sk-Zm9vYmFyLTEyMzQ1Njc4OQ"


@asynccontextmanager
async def _opened(url: str, path: Path, **more: Any) -> AsyncIterator[Store]:
    async with Store(settings=Settings(database_url=url, data_dir=path / "data", **more)) as store:
        yield store


async def test_a_key_is_made_and_found_by_its_secret(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        project = await store.projects.create(name="search")
        until = datetime.now(UTC) + timedelta(days=1)
        new = await store.keys.create(
            name=" indexer ",
            project="search",
            models=["gpt-4o", "gpt-4o"],
            requests_per_minute=60,
            tokens_per_minute=10_000,
            max_requests=7,
            daily_budget=Decimal("0.000000001"),
            monthly_budget="50",
            expires_at=until,
            settings={"cache_ttl": 60, "unpriced": "refuse"},
            actor="me",
        )
        key = await store.keys.authenticate(new.secret)
        found = await store.keys.find(store.digester.digest(new.secret.encode()))

        assert key == new.record == await store.keys.get(key.id)
        assert (key.name, key.project_id, key.models, key.origin) == ("indexer", project.id, {"gpt-4o"}, "made")
        assert (key.daily_budget_nanousd, key.monthly_budget) == (1, Decimal(50))
        assert (key.expires_at, key.settings) == (until, {"cache_ttl": 60, "unpriced": "refuse"})
        assert new.secret.startswith(key.prefix)
        assert found is not None
        assert (found.record, found.project, found.secret_until) == (key, project, None)
        assert found.generation == await store.changes.generation() == 2


async def test_many_keys_are_made_together_or_not_at_all(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        with pytest.raises(InvalidRecord):
            await store.keys.create_many([{"name": "one"}, {"name": ""}])
        assert await store.keys.list(limit=9) == []
        many = await store.keys.create_many({"name": f"key {number}"} for number in range(50))

        assert await store.keys.create_many([]) == []
        assert len({new.secret for new in many}) == 50
        assert [key.name for key in await store.keys.list(limit=2)] == ["key 49", "key 48"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"name": " "}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({}, "name"),
        ({"name": "n", "models": []}, "models may not be empty"),
        ({"name": "n", "models": "gpt-4o"}, "models"),
        ({"name": "n", "requests_per_minute": 0}, "requests_per_minute"),
        ({"name": "n", "tokens_per_minute": True}, "tokens_per_minute"),
        ({"name": "n", "max_requests": -1}, "max_requests"),
        ({"name": "n", "max_requests": 2**63}, "max_requests"),
        ({"name": "n", "monthly_budget": 0.1}, "monthly_budget"),
        ({"name": "n", "monthly_budget": "1e-10"}, "monthly_budget"),
        ({"name": "n", "monthly_budget": "NaN"}, "monthly_budget"),
        ({"name": "n", "daily_budget": -1}, "daily_budget"),
        ({"name": "n", "daily_budget": "much"}, "daily_budget"),
        ({"name": "n", "expires_at": datetime(2030, 1, 1)}, "time zone"),  # noqa: DTZ001
        ({"name": "n", "settings": {"colour": 1}}, "colour"),
        ({"name": "n", "settings": {"cache_ttl": -1}}, "cache_ttl"),
        ({"name": "n", "settings": {"unpriced": "perhaps"}}, "unpriced"),
        ({"name": "n", "digest": b""}, "digest"),
    ],
)
async def test_what_a_key_may_not_be_is_told_in_the_callers_terms(
    tmp_path: Path, options: dict[str, Any], told: str
) -> None:
    async with _opened("sqlite:///:memory:", tmp_path) as store:
        with pytest.raises(InvalidRecord, match=told):
            await store.keys.create(**options)


async def test_a_malformed_key_is_refused_without_asking_the_database(tmp_path: Path) -> None:
    async with _opened("sqlite:///:memory:", tmp_path) as store:
        new = await store.keys.create(name="n")
        await store.database.close()

        with pytest.raises(KeyNotFound):
            await store.keys.authenticate(new.secret[:-1] + ("0" if new.secret[-1] != "0" else "1"))


async def test_who_is_refused_is_told_why(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        await store.projects.create(name="p")
        inactive, revoked, deleted, expired, grounded = await store.keys.create_many(
            [{"name": "n", "project": "p"}] * 3
            + [{"name": "n", "expires_at": datetime.now(UTC) - timedelta(seconds=1)}, {"name": "n", "project": "p"}]
        )
        await store.keys.deactivate(inactive.record.id)
        await store.keys.revoke(revoked.record.id)
        await store.keys.delete(deleted.record.id)
        await store.projects.deactivate("p")

        for key, error in (
            (inactive, KeyInactive),
            (revoked, KeyInactive),
            (deleted, KeyNotFound),
            (expired, KeyExpired),
            (grounded, ProjectInactive),
        ):
            with pytest.raises(error):
                await store.keys.authenticate(key.secret)
        for unknown in ("", "nonsense", "sk-" + "x" * 30, "psk_", "ключ"):
            with pytest.raises(KeyNotFound):
                await store.keys.authenticate(unknown)


async def test_a_key_is_expired_at_the_instant_it_expires(tmp_path: Path) -> None:
    """On one side an equal instant was valid, on the other it was not."""
    at = datetime(2030, 1, 1, tzinfo=UTC)
    async with _opened("sqlite:///:memory:", tmp_path) as store:
        key = (await store.keys.create(name="n", expires_at=at)).record
        found = await store.keys.list(limit=1)

    assert found == [key]
    assert not key.is_expired(at - timedelta(microseconds=1))
    assert key.is_valid(at - timedelta(microseconds=1))
    assert key.is_expired(at)
    assert not key.is_valid(at)


async def test_one_of_the_names_of_a_model_is_enough(tmp_path: Path) -> None:
    async with _opened("sqlite:///:memory:", tmp_path) as store:
        every = (await store.keys.create(name="n")).record
        some = (await store.keys.create(name="n", models={"fast"})).record

    assert every.allows("anything")
    assert some.allows("fast", "gpt-4o-mini")
    assert some.allows("gpt-4o-mini", "fast")
    assert not some.allows("gpt-4o", None)
    assert not some.allows("FAST")


async def test_an_update_changes_what_is_given_alone(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        await store.projects.create(name="p")
        made = (await store.keys.create(name="n", project="p", max_requests=5, models=["a"])).record
        changed = await store.keys.update(made.id, max_requests=None, monthly_budget=Decimal("1.5"))

        assert (changed.max_requests, changed.monthly_budget_nanousd, changed.models) == (None, 1_500_000_000, {"a"})
        assert changed.project_id == made.project_id
        assert changed.updated_at > made.updated_at
        assert (await store.keys.update(made.id, project=None)).project_id is None
        with pytest.raises(InvalidRecord, match="nothing"):
            await store.keys.update(made.id)
        with pytest.raises(KeyNotFound):
            await store.keys.update(shown("key", uuid7()), name="m")
        with pytest.raises(ProjectNotFound):
            await store.keys.update(made.id, project="q")
        with pytest.raises(InvalidRecord, match="key_"):
            await store.keys.update("proj_1", name="m")


async def test_revoking_says_since_when_and_is_for_ever(migrated_url: str, tmp_path: Path) -> None:
    """It did not write down when, and wrote back counters that it had read before."""
    async with _opened(migrated_url, tmp_path) as store:
        key = (await store.keys.create(name="n")).record
        store.ledger.record_many(entry(key_id=key.id) for _ in range(3))
        await store.ledger.drain()
        revoked = await store.keys.revoke(key.id)
        generation = await store.changes.generation()
        again = await store.keys.revoke(key.id)

        assert not revoked.is_active
        assert revoked.deactivated_at == revoked.revoked_at is not None
        assert (revoked.request_count, again) == (3, revoked)
        assert await store.changes.generation() == generation
        with pytest.raises(Conflict, match="for ever"):
            await store.keys.reactivate(key.id)
        with pytest.raises(KeyNotFound):
            await store.keys.revoke(shown("key", uuid7()))


async def test_what_is_deactivated_comes_back(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        new = await store.keys.create(name="n")
        off = await store.keys.deactivate(new.record.id)
        still = await store.keys.deactivate(new.record.id)
        on = await store.keys.reactivate(new.record.id)

        assert off.deactivated_at is not None
        assert still == off
        assert (on.is_active, on.deactivated_at) == (True, None)
        assert await store.keys.authenticate(new.secret) == on


async def test_many_are_revoked_at_once(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        now = datetime.now(UTC)
        await store.projects.create(name="p")
        one, other, third, past, future = await store.keys.create_many(
            [
                {"name": "n"},
                {"name": "n"},
                {"name": "n", "project": "p"},
                {"name": "n", "expires_at": now - timedelta(microseconds=1)},
                {"name": "n", "expires_at": now + timedelta(hours=1)},
            ]
        )
        ids = [one.record.id, other.record.id, one.record.id, shown("key", uuid7())]

        assert await store.keys.revoke_many([]) == 0
        assert await store.keys.revoke_many(ids) == 2
        assert await store.keys.revoke_many(ids) == 0
        assert await store.keys.revoke_project("p") == 1
        assert await store.keys.revoke_expired() == 1
        assert await store.keys.revoke_expired() == 0
        assert {key.id for key in await store.keys.list(limit=9, active=False)} == {
            new.record.id for new in (one, other, third, past)
        }
        assert [key.id for key in await store.keys.list(limit=9, active=True)] == [future.record.id]


async def test_the_secret_before_a_rotation_ends_with_its_grace(migrated_url: str, tmp_path: Path) -> None:
    """An update that left the digest out kept the leaked secret alive and the new one dead."""
    async with _opened(migrated_url, tmp_path) as store:
        first = await store.keys.create(name="n")
        second = await store.keys.rotate(first.record.id, grace=timedelta(hours=1))
        old = await store.keys.find(store.digester.digest(first.secret.encode()))

        assert old is not None
        assert old.secret_until is not None
        assert (await store.keys.authenticate(first.secret)).id == first.record.id
        assert usable(old, old.secret_until - timedelta(microseconds=1)).id == first.record.id
        with pytest.raises(KeyExpired):
            usable(old, old.secret_until)
        assert (await store.keys.authenticate(second.secret)).prefix == second.record.prefix != first.record.prefix

        third = await store.keys.rotate(first.record.id)
        for secret in (first.secret, second.secret):
            with pytest.raises(KeyNotFound):
                await store.keys.authenticate(secret)
        assert (await store.keys.authenticate(third.secret)).previous_until is None


async def test_what_is_revoked_is_revoked_with_the_secret_before(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        first = await store.keys.create(name="n")
        second = await store.keys.rotate(first.record.id, grace=timedelta(hours=1))
        await store.keys.revoke(first.record.id)

        for secret in (first.secret, second.secret):
            with pytest.raises((KeyInactive, KeyNotFound)):
                await store.keys.authenticate(secret)
        with pytest.raises(KeyInactive):
            await store.keys.rotate(first.record.id)
        with pytest.raises(InvalidRecord, match="90 days"):
            await store.keys.rotate(first.record.id, grace=timedelta(days=91))


async def test_a_key_of_somebody_elses_is_taken_over(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        key = await store.keys.import_key(_FOREIGN, name="n", max_requests=3)

        assert (key.origin, key.prefix) == ("imported", "sk-Zm9…c4OQ")
        assert await store.keys.authenticate(_FOREIGN) == key
        with pytest.raises(Conflict):
            await store.keys.import_key(_FOREIGN, name="again")
        await store.keys.rotate(key.id, grace=timedelta(hours=1))
        assert (await store.keys.authenticate(_FOREIGN)).origin == "made"
        await store.keys.rotate(key.id)


async def test_rows_that_were_edited_by_hand_are_asked_for_again(tmp_path: Path) -> None:
    async with _opened("sqlite:///:memory:", tmp_path) as store:
        key = (await store.keys.create(name="n")).record
        await store.keys.invalidate(key.id)
        await store.keys.invalidate()

        assert await store.changes.generation() == 3


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("sk-short", "can be guessed"),
        ("sk-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "can be guessed"),
        ("Zm9vYmFyLTEyMzQ1Njc4OQ" * 30, "can be guessed"),
        ("sk-Zm9vYmFyLTEyM…DU2Nzg5MDEyMzQ1", "masked"),
        ("sk-Zm9vYmFy...DU2Nzg5MDEyMzQ1", "masked"),
        ("sk-Zm9vYmFy****DU2Nzg5MDEyMzQ1", "masked"),
        ("sk-Zm9vYmFy DU2Nzg5MDEyMzQ1abc", "visible ASCII"),
        ("sk-Zm9vYmFyDU2Nzg5MDEyMzQ1abcé", "visible ASCII"),
        ("psk_Zm9vYmFyDU2Nzg5MDEyMzQ1abcd", "checksum"),
    ],
)
async def test_what_can_be_guessed_or_was_masked_is_not_taken(tmp_path: Path, secret: str, told: str) -> None:
    async with _opened("sqlite:///:memory:", tmp_path) as store:
        with pytest.raises(InvalidRecord, match=told) as refused:
            await store.keys.import_key(secret, name="n")

    assert secret not in str(refused.value)


async def test_a_credential_that_was_seen_is_adopted(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        fingerprint = store.digester.digest(b"whatever they call with").hex()
        key = await store.keys.adopt(fingerprint, name="n")

        assert (key.origin, await store.keys.authenticate("whatever they call with")) == ("adopted", key)
        with pytest.raises(Conflict):
            await store.keys.adopt(fingerprint, name="n")
        with pytest.raises(InvalidRecord, match="64"):
            await store.keys.adopt(fingerprint[:32], name="n")


async def test_what_is_deleted_is_hidden_and_on_record(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        key = (await store.keys.create(name="n")).record
        await store.keys.delete(key.id)
        await store.keys.delete(key.id)
        gone = await store.keys.get(key.id)

        assert gone.deleted_at == gone.revoked_at == gone.deactivated_at is not None
        assert await store.keys.list(limit=9) == []
        assert await store.keys.list(limit=9, deleted=True) == [gone]
        for attempt in (store.keys.deactivate, store.keys.reactivate, store.keys.rotate):
            with pytest.raises(KeyNotFound):
                await attempt(key.id)
        with pytest.raises(KeyNotFound):
            await store.keys.delete(shown("key", uuid7()))


async def test_lists_go_on_where_a_page_ended(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        project = await store.projects.create(name="p")
        await store.keys.create_many(
            {"name": f"{number}", "project": "p" if number % 2 else None} for number in range(9)
        )
        seen: list[KeyRecord] = []
        while page := await store.keys.list(limit=4, before=seen[-1].id if seen else None):
            seen += page

        assert [key.name for key in seen] == [str(number) for number in range(8, -1, -1)]
        assert [key.name for key in await store.keys.list(limit=9, project=project.id)] == ["7", "5", "3", "1"]
        assert [key.name for key in await store.keys.list(limit=9, name="4")] == ["4"]
        assert await store.keys.list(limit=9, origin="imported") == []
        assert await store.keys.list(limit=9, expired=True) == []


async def test_use_is_read_from_the_ledger(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        used, unused = (new.record for new in await store.keys.create_many([{"name": "n"}] * 2))
        at = datetime.now(UTC) - timedelta(hours=3)
        store.ledger.record_many(
            entry(key_id=used.id, event_id=uuid7(at), outcome=outcome)
            for outcome in ("complete", "complete", "cached", "refused")
        )
        await store.ledger.drain()
        found = await store.keys.get(used.id)

        assert found.last_used_at == at.replace(minute=0, second=0, microsecond=0)
        assert (found.request_count, found.cache_hit_count) == (2, 1)
        assert await store.keys.list(limit=2) == [unused, found]


async def test_metadata_is_one_value_for_each_type_and_key(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        key = (await store.keys.create(name="n")).record
        await store.keys.metadata.set(key.id, "tag", "team", "search")
        await store.keys.metadata.set(key.id, "tag", "team", "ads")
        await store.keys.metadata.set(key.id, "owner", "mail", "me@example.com")

        assert await store.keys.metadata.list(key.id) == [
            KeyMetadata(type="owner", key="mail", value="me@example.com"),
            KeyMetadata(type="tag", key="team", value="ads"),
        ]
        assert await store.keys.metadata.delete(key.id, "tag", "team")
        assert not await store.keys.metadata.delete(key.id, "tag", "team")
        with pytest.raises(KeyNotFound):
            await store.keys.metadata.set(shown("key", uuid7()), "tag", "team", "ads")
        with pytest.raises(InvalidRecord, match="value"):
            await store.keys.metadata.set(key.id, "tag", "team", "")


def test_a_new_key_does_not_show_its_secret() -> None:
    import asyncio

    async def made() -> tuple[str, str]:
        async with Store("sqlite:///:memory:") as store:
            new = await store.keys.create(name="n")
            return new.secret, repr(new)

    secret, told = asyncio.run(made())

    assert secret not in told
    assert secret[12:55] not in told
