"""Whose key is this, how long that is remembered, and what becomes of it while the database is away."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from proxystore import Limit, StoreError, StoreUnavailable, credentials, ids
from proxystore.changes import Follower
from proxystore.changes import following as changes_following
from proxystore.credentials import Digester, Pepper
from proxystore.database import Database
from proxystore.keyring import Keyring, asking
from proxystore.settings import Settings
from proxystore.settings.pool import PoolSettings
from proxystore.settings.url import DatabaseURL
from tests.changes.log import change
from tests.faults.network import cable
from tests.keyring.world import add_key, add_project, close_project, deactivate


class World(NamedTuple):
    database: Database
    digester: Digester
    follower: Follower
    keyring: Keyring
    asked: list[object]


@contextlib.asynccontextmanager
async def open_world(
    url: DatabaseURL, monkeypatch, *, size=100, ttl=300.0, stale_if_error=300.0
) -> AsyncIterator[World]:
    """Open a keyring whose follower asks only when told to, and count what it asks."""
    monkeypatch.setattr(changes_following, "_EVERY", 3600)
    monkeypatch.setattr(changes_following, "_FRESH", 3600)
    asked: list[object] = []
    find = asking.find

    async def counting(database, digests, **options):
        asked.append(digests)
        return await find(database, digests, **options)

    monkeypatch.setattr(asking, "find", counting)
    digester = Digester()
    digester.use([Pepper(1, b"pepper")])
    async with Database(url, pool=PoolSettings(max_size=4)) as database:
        follower = Follower(database, stale_if_error=stale_if_error)
        keyring = Keyring(database, follower, digester, size=size, ttl=ttl)
        await follower.open()
        try:
            yield World(database, digester, follower, keyring, asked)
        finally:
            await follower.close()


@pytest.fixture(name="url")
def _url(migrated_url: str) -> DatabaseURL:
    return DatabaseURL.parse(migrated_url)


async def test_a_key_is_found_by_its_secret_and_asked_for_once(url, monkeypatch):
    async with open_world(url, monkeypatch) as world:
        project = await add_project(world.database)
        secret, identity = await add_key(
            world.database,
            world.digester,
            name="search",
            project_id=project,
            models=["gpt-4o"],
            requests_per_minute=60,
            tokens_per_minute=1000,
            max_requests=5,
            daily_budget_nanousd=10,
            monthly_budget_nanousd=20,
        )
        first = await world.keyring.find(secret)
        again = await world.keyring.find(secret)

        assert first is again is world.keyring.recall(secret)
        assert len(world.asked) == 1
    key_id = ids.shown("key", identity)
    assert first.standing() == "valid"
    assert (first.principal.key_id, first.principal.name) == (key_id, "search")
    assert first.principal.project_id == ids.shown("proj", project)
    assert first.principal.models == {"gpt-4o"}
    assert first.principal.limits == (
        Limit(owner=key_id, unit="requests", amount=60, window="minute"),
        Limit(owner=key_id, unit="tokens", amount=1000, window="minute"),
        Limit(owner=key_id, unit="requests", amount=5, window="ever"),
        Limit(owner=key_id, unit="nanousd", amount=10, window="day"),
        Limit(owner=key_id, unit="nanousd", amount=20, window="month"),
    )
    assert not first.is_foreign


async def test_a_key_without_anything_is_free(url, monkeypatch):
    async with open_world(url, monkeypatch) as world:
        secret, _ = await add_key(world.database, world.digester, models=[])
        known = await world.keyring.find(secret)

    assert (known.principal.models, known.principal.limits, known.principal.project_id) == (None, (), None)


async def test_what_is_no_key_is_remembered_too(url, monkeypatch):
    async with open_world(url, monkeypatch) as world:
        stranger = credentials.new_secret().encode()

        assert [await world.keyring.find(stranger) for _ in range(3)] == [None] * 3
        assert world.keyring.recall(stranger) is None
        assert len(world.asked) == 1
        assert world.keyring.stats["unknown_keys"].size == 1


async def test_guesses_are_remembered_up_to_a_bound(url, monkeypatch):
    async with open_world(url, monkeypatch, size=5) as world:
        for _ in range(12):
            assert await world.keyring.find(credentials.new_secret().encode()) is None

        assert world.keyring.stats["unknown_keys"].size == 5
        assert world.keyring.stats["keys"].size == 0


async def test_what_is_too_long_is_not_even_hashed(url, monkeypatch):
    async with open_world(url, monkeypatch) as world:
        monkeypatch.setattr("proxystore.keyring.keyring.blake2b", None)

        assert await world.keyring.find(b"x" * 1_000_000) is None
        assert world.asked == []


async def test_one_question_for_all_who_ask_at_once(url, monkeypatch):
    async with open_world(url, monkeypatch) as world:
        secret, _ = await add_key(world.database, world.digester)
        impatient = asyncio.create_task(world.keyring.find(secret))
        others = [asyncio.create_task(world.keyring.find(secret)) for _ in range(20)]
        await asyncio.sleep(0)
        impatient.cancel()
        found = await asyncio.gather(*others)

        assert len(set(map(id, found))) == 1
        assert found[0] is not None
        assert len(world.asked) == 1


@pytest.mark.parametrize(
    ("values", "standing"),
    [
        ({"is_active": False}, "inactive"),
        ({"deleted_at": datetime(2026, 1, 1, tzinfo=UTC)}, "inactive"),
        ({"is_active": False, "expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, "inactive"),
        ({"expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, "expired"),
        ({"expires_at": datetime(2126, 1, 1, tzinfo=UTC)}, "valid"),
    ],
)
async def test_a_key_that_is_not_good_is_found_and_says_why(url, monkeypatch, values, standing):
    async with open_world(url, monkeypatch) as world:
        secret, _ = await add_key(world.database, world.digester, **values)
        known = await world.keyring.find(secret)

    assert known.standing() == standing


async def test_a_remembered_key_expires_at_the_instant(url, monkeypatch):
    now = time.time()
    async with open_world(url, monkeypatch) as world:
        secret, _ = await add_key(world.database, world.digester, expires_at=datetime.fromtimestamp(now + 60, UTC))
        known = await world.keyring.find(secret)

    monkeypatch.setattr(time, "time", lambda: known.expires_at - 0.001)
    assert known.standing() == "valid"
    monkeypatch.setattr(time, "time", lambda: known.expires_at)
    assert known.standing() == "expired"


async def test_the_secret_before_a_rotation_is_good_until_its_grace_ends(url, monkeypatch):
    later = datetime.now(UTC) + timedelta(hours=1)
    async with open_world(url, monkeypatch) as world:
        old = credentials.new_secret().encode()
        new, _ = await add_key(
            world.database, world.digester, previous_digest=world.digester.digest(old), previous_until=later
        )
        before, after = await world.keyring.find(old), await world.keyring.find(new)

    assert (before.standing(), before.expires_at) == ("valid", later.timestamp())
    assert (after.standing(), after.expires_at) == ("valid", None)
    monkeypatch.setattr(time, "time", later.timestamp)
    assert (before.standing(), after.standing()) == ("expired", "valid")


async def test_keys_are_found_under_older_peppers_too(url, monkeypatch):
    async with open_world(url, monkeypatch) as world:
        secret, _ = await add_key(world.database, world.digester)
        world.digester.use([Pepper(2, b"newer"), Pepper(1, b"pepper")])

        assert (await world.keyring.find(secret)) is not None
        (digests,) = world.asked
        assert len(digests) == 2


async def test_a_project_closes_and_its_keys_with_it(url, monkeypatch):
    async with open_world(url, monkeypatch) as world:
        project = await add_project(world.database)
        secret, _ = await add_key(world.database, world.digester, project_id=project)
        other, _ = await add_key(world.database, world.digester)
        assert (await world.keyring.find(secret)).standing() == "valid"
        kept = await world.keyring.find(other)
        await close_project(world.database, project)
        await world.follower.poll()

        assert (await world.keyring.find(secret)).standing() == "project_inactive"
        assert await world.keyring.find(other) is kept


async def test_a_changed_key_is_asked_for_again_and_others_are_not(url, monkeypatch):
    async with open_world(url, monkeypatch) as world:
        secret, identity = await add_key(world.database, world.digester)
        other, _ = await add_key(world.database, world.digester)
        await world.follower.poll()
        kept = await world.keyring.find(other)
        assert (await world.keyring.find(secret)).standing() == "valid"
        await deactivate(world.database, identity)
        await world.follower.poll()

        assert (await world.keyring.find(secret)).standing() == "inactive"
        assert await world.keyring.find(other) is kept
        assert len(world.asked) == 3


async def test_a_new_key_is_not_hidden_by_having_been_guessed(url, monkeypatch):
    async with open_world(url, monkeypatch) as world:
        secret = credentials.new_secret()
        assert await world.keyring.find(secret.encode()) is None
        await add_key(world.database, world.digester, secret)
        await world.follower.poll()

        assert await world.keyring.find(secret.encode()) is not None


async def test_anything_changed_means_everything_is_asked_for_again(url, monkeypatch):
    async with open_world(url, monkeypatch) as world:
        secret, _ = await add_key(world.database, world.digester)
        first = await world.keyring.find(secret)
        for aggregate in ("api_key", "project"):
            await change(world.database, (aggregate, None))
            await world.follower.poll()
            again = await world.keyring.find(secret)
            if aggregate == "api_key":
                assert again is not first
        assert world.keyring.stats["keys"].size == 1


async def test_an_answer_from_before_a_change_is_not_remembered(url, monkeypatch):
    """The key is read, revoked, and forgotten, before what was read arrives: it would live until it expires."""
    async with open_world(url, monkeypatch) as world:
        secret, identity = await add_key(world.database, world.digester)
        await world.follower.poll()
        find, is_first = asking.find, True

        async def slowly(database, digests, **options):
            nonlocal is_first
            answer = await find(database, digests, **options)
            if is_first:
                is_first = False
                await deactivate(world.database, identity)
                await world.follower.poll()
            return answer

        monkeypatch.setattr(asking, "find", slowly)
        known = await world.keyring.find(secret)

        assert known.standing() == "inactive"
        assert (await world.keyring.find(secret)).standing() == "inactive"


async def test_an_answer_newer_than_what_was_told_has_the_rest_asked_for(url, monkeypatch):
    async with open_world(url, monkeypatch) as world:
        one, identity = await add_key(world.database, world.digester)
        other, _ = await add_key(world.database, world.digester)
        await world.follower.poll()
        await world.keyring.find(one)
        await deactivate(world.database, identity)  # nobody has told us
        await world.keyring.find(other)
        await world.follower._asking

        assert (await world.keyring.find(one)).standing() == "inactive"


async def test_what_was_not_looked_for_makes_room(url, monkeypatch):
    async with open_world(url, monkeypatch, size=2) as world:
        secrets = [(await add_key(world.database, world.digester))[0] for _ in range(60)]
        await world.follower.poll()
        for secret in secrets:
            await world.keyring.find(secret)

        assert world.keyring.stats["keys"].size == 2
        assert world.keyring.stats["keys"].evictions == 58
        assert len(world.keyring._names) <= 20


async def test_facts_follow_changes(url, monkeypatch):
    async with open_world(url, monkeypatch) as world:
        nothing = await world.keyring.facts()
        await add_key(world.database, world.digester)
        assert await world.keyring.facts() is nothing
        await world.follower.poll()
        ours = await world.keyring.facts()
        await add_key(world.database, world.digester, "sk-somebody-elses-key-0123456789", origin="imported")
        await world.follower.poll()
        theirs = await world.keyring.facts()

    assert (nothing.has_keys, nothing.has_foreign) == (False, False)
    assert (ours.has_keys, ours.has_foreign) == (True, False)
    assert (theirs.has_keys, theirs.has_foreign) == (True, True)


async def test_a_fingerprint_tells_nothing_and_is_always_the_same(url, monkeypatch):
    async with open_world(url, monkeypatch) as world:
        one, same = (world.keyring.fingerprint(b"sk-somebody") for _ in range(2))

        assert one == same != world.keyring.fingerprint(b"sk-somebody-else")
        assert one == f"seen_{world.digester.digest(b'sk-somebody').hex()}"


# -- a database that is away ----------------------------------------------------------------------------------------


@pytest.fixture(name="settings")
def _settings(create_database, postgres_template) -> Settings:
    return Settings(database_url=create_database(postgres_template))


async def test_known_keys_go_on_and_unknown_ones_cannot_be_told(settings, monkeypatch):
    async with cable(settings) as (wire, through), open_world(through.url, monkeypatch, ttl=0.2) as world:
        secret, _ = await add_key(world.database, world.digester)
        known = await world.keyring.find(secret)
        wire.cut()
        await asyncio.sleep(0.25)  # its time is over, but nobody else can be asked
        monkeypatch.setattr(changes_following, "_FRESH", 0.0)

        assert await world.keyring.find(secret) is known
        with pytest.raises(StoreError):
            await world.keyring.find(credentials.new_secret().encode())

        world.follower.confirmed -= 400  # cut off for longer than stale_if_error
        with pytest.raises(StoreUnavailable):
            await world.keyring.find(secret)

        wire.mend()
        await world.follower.poll()
        monkeypatch.setattr(changes_following, "_FRESH", 3600)
        assert (await world.keyring.find(secret)).standing() == "valid"
        assert await world.keyring.find(credentials.new_secret().encode()) is None


async def test_a_paused_process_asks_before_it_lets_somebody_in(url, monkeypatch):
    async with open_world(url, monkeypatch) as world:
        secret, identity = await add_key(world.database, world.digester)
        assert (await world.keyring.find(secret)).standing() == "valid"
        await deactivate(world.database, identity)
        monkeypatch.setattr(changes_following, "_FRESH", 0.75)
        world.follower.confirmed -= 2  # as after two seconds in which the loop stood still

        assert world.keyring.recall(secret) is None
        assert (await world.keyring.find(secret)).standing() == "inactive"
