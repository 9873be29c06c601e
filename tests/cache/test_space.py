from __future__ import annotations

import time

import pytest

from proxystore.cache import Spaces
from proxystore.cache.space import LARGEST, LARGEST_REMEMBERED
from proxystore.errors import InvalidRecord

HOUR = 3600 * 10**9


async def test_value_is_returned_from_memory_and_by_every_process_from_disk(host):
    async with host.space() as one, host.space() as two:
        assert await one.set(b"key", b"value", ttl=60)

        assert one.get(b"key") == b"value"
        assert two.get(b"key") == b"value"
        assert two.get(b"key") == b"value"

        stats = await two.stats()
        assert (stats.memory_hits, stats.disk_hits, stats.misses) == (1, 1, 0)


async def test_value_is_there_after_a_restart(host):
    async with host.space() as space:
        await space.set(b"key", b"value", ttl=60)
    async with host.space() as space:
        assert space.get(b"key") == b"value"


async def test_what_was_never_kept_is_a_miss(host):
    async with host.space() as space:
        assert space.get(b"key") is None
        assert await space.fetch(b"key") is None
        assert (await space.stats()).misses == 2


async def test_keeping_again_is_seen_by_all(host):
    async with host.space() as one, host.space() as two:
        await one.set(b"key", b"old", ttl=60)
        assert two.get(b"key") == b"old"
        await one.set(b"key", b"new", ttl=60)

        assert two.get(b"key") == one.get(b"key") == b"new"


async def test_deleting_is_seen_by_all(host):
    async with host.space() as one, host.space() as two:
        await one.set(b"key", b"value", ttl=60)
        assert two.get(b"key") == b"value"

        assert await one.delete(b"key")
        assert not await one.delete(b"key")
        assert one.get(b"key") is two.get(b"key") is None


async def test_invalidating_forgets_what_has_one_of_the_tags(host):
    async with host.space() as one, host.space() as two:
        await one.set(b"a", b"1", ttl=60, tags=("model:x", "project:p"))
        await two.set(b"b", b"2", ttl=60, tags=("project:p",))
        await one.set(b"c", b"3", ttl=60, tags=("project:pp",))
        await one.set(b"d", b"4", ttl=60)
        for key in (b"a", b"b", b"c", b"d"):
            assert two.get(key) is not None

        assert await one.invalidate("project:p", "model:y") == 2
        assert [two.get(key) for key in (b"a", b"b", b"c", b"d")] == [None, None, b"3", b"4"]
        assert await two.invalidate("project:pp") == 1


async def test_tags_outlive_the_process_that_gave_them(host):
    async with host.space() as space:
        await space.set(b"a", b"1", ttl=60, tags=("one", "two"))
    async with host.space() as space:
        assert await space.invalidate("two") == 1
        assert space.get(b"a") is None


async def test_purging_forgets_everything_or_what_begins_so(host):
    async with host.space() as one, host.space() as two:
        for key in (b"aa", b"ab", b"b"):
            await one.set(key, b"value", ttl=60, tags=("tag",))

        assert await two.purge(b"a") == 2
        assert [one.get(key) for key in (b"aa", b"ab", b"b")] == [None, None, b"value"]
        assert await two.purge() == 1
        assert one.get(b"b") is None


@pytest.mark.parametrize("forget", [lambda space: space.purge(), lambda space: space.invalidate("another")])
async def test_what_was_asked_for_before_something_was_forgotten_is_not_kept(host, forget):
    async with host.space() as one, host.space() as two:
        before = time.time_ns()
        assert await one.set(b"key", b"value", ttl=60, asked_ns=before)
        await forget(two)
        assert not await one.set(b"key", b"value", ttl=60, asked_ns=before)
        assert one.get(b"key") is two.get(b"key") is None
        assert await one.set(b"key", b"value", ttl=60)
        assert await one.set(b"key", b"newer", ttl=60, asked_ns=time.time_ns())
        assert two.get(b"key") == b"newer"


async def test_value_expires_on_disk_and_in_memory(host):
    async with host.space() as one, host.space() as two:
        await one.set(b"key", b"value", ttl=3600)
        host.now += HOUR - 1000
        assert one.get(b"key") == two.get(b"key") == b"value"
        host.now += 1000

        assert one.get(b"key") is two.get(b"key") is None


async def test_a_clock_that_is_set_back_does_not_make_values_live_longer(host):
    async with host.space() as one, host.space() as two:
        await one.set(b"key", b"value", ttl=3600)
        assert two.get(b"key") == b"value"
        host.now -= 24 * HOUR

        assert one.get(b"key") is two.get(b"key") is None
        assert await one.set(b"key", b"newer", ttl=60)
        assert two.get(b"key") == b"newer"


async def test_a_clock_that_is_set_forward_makes_everything_expire(host):
    async with host.space() as space:
        await space.set(b"key", b"value", ttl=3600)
        host.now += 24 * HOUR
        assert space.get(b"key") is None
        host.now -= 24 * HOUR
        assert space.get(b"key") == b"value"


async def test_large_values_are_read_from_disk_each_time_and_too_large_ones_not_kept(host):
    async with host.space() as space:
        value = b"x" * (LARGEST_REMEMBERED + 1)
        assert await space.set(b"large", value, ttl=60)
        assert space.get(b"large") == space.get(b"large") == value
        assert (await space.stats()).disk_hits == 2
        assert not await space.set(b"huge", b"x" * (LARGEST + 1), ttl=60)


async def test_disk_keeps_within_its_limit(host):
    async with host.space(size_limit=2**20) as space:
        for number in range(400):
            assert await space.set(b"%d" % number, b"x" * 20_000, ttl=60)

        stats = await space.stats()
        assert stats.disk_bytes < 2 * 2**20
        assert 0 < stats.entries < 100
        assert space.get(b"399") is not None


@pytest.mark.parametrize("ttl", [0, -1])
async def test_value_without_a_time_is_not_kept(host, ttl):
    async with host.space() as space:
        assert not await space.set(b"key", b"value", ttl=ttl)


@pytest.mark.parametrize(
    ("key", "tags"), [(b"", ()), (b"x" * 257, ()), (b"key", ("",)), (b"key", ("a\x1fb",)), (b"key", ("x" * 201,))]
)
async def test_odd_keys_and_tags_are_refused(host, key, tags):
    async with host.space() as space:
        with pytest.raises(InvalidRecord):
            await space.set(key, b"value", ttl=60, tags=tags)


@pytest.mark.parametrize("name", ["", "../up", "A", "1", "x" * 41, "a/b", "a.broken-1"])
def test_space_has_a_plain_name(tmp_path, name):
    with pytest.raises(InvalidRecord):
        Spaces(tmp_path).space(name)


async def test_spaces_are_apart(host):
    spaces = Spaces(host.directory)
    await spaces.space("one").set(b"key", b"1", ttl=60)
    await spaces.space("two").set(b"key", b"2", ttl=60)
    await spaces.space("one").purge()

    assert spaces.space("one").get(b"key") is None
    assert spaces.space("two").get(b"key") == b"2"
    assert spaces.names() == ["one", "two"]
    await spaces.close()


async def test_without_a_directory_there_is_a_temporary_one():
    spaces = Spaces(None)
    await spaces.space("one").set(b"key", b"1", ttl=60)
    directory = spaces._root()
    assert spaces.space("one").get(b"key") == b"1"
    await spaces.close()

    assert not directory.exists()


async def test_what_another_host_was_told_is_done_here_and_what_this_one_was_told_is_not_done_twice(host, tmp_path):
    told = []

    async def announce(what, actor):
        told.append((what, actor))

    here, there = (Spaces(tmp_path / name, announce=announce) for name in ("here", "there"))
    for spaces in (here, there):
        await spaces.space("answers").set(b"key", b"value", ttl=60, tags=("tag",))
        await spaces.space("answers").set(b"other", b"value", ttl=60)
    await here.space("answers").invalidate("tag", actor="me")
    await here.space("answers").purge(b"o")
    await here.space("answers").set(b"key", b"newer", ttl=60, tags=("tag",))
    for what, _ in told:
        here.on_changed(what)
        there.on_changed(what)
    for odd in (None, "", "x", f"{here._host_id()}0:unknown:tag:a"):
        there.on_changed(odd)
    await here.close()
    await there.close()

    assert [actor for _, actor in told] == ["me", None]
    assert here.space("answers").get(b"key") is None  # closed
    await here.space("answers").open()
    await there.space("answers").open()
    assert here.space("answers").get(b"key") == b"newer"
    assert there.space("answers").get(b"key") is there.space("answers").get(b"other") is None
    await here.close()
    await there.close()
