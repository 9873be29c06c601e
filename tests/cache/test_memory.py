from __future__ import annotations

import pytest

from proxystore.cache import MemoryCache


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="cache")
def _cache(clock: Clock) -> MemoryCache[str, int]:
    return MemoryCache(3, 60, clock=clock)


def test_value_is_returned_until_it_expires(cache, clock):
    cache.put("a", 1)

    clock.now += 59.9
    assert cache.get("a") == 1
    clock.now += 0.1
    assert cache.get("a") is None
    assert len(cache) == 0


def test_using_a_value_does_not_make_it_live_longer(cache, clock):
    cache.put("a", 1)
    for _ in range(6):
        clock.now += 9
        assert cache.get("a") == 1

    clock.now += 6
    assert cache.get("a") is None


def test_value_can_have_a_time_of_its_own(cache, clock):
    cache.put("a", 1, ttl=5)

    clock.now += 5
    assert cache.get("a") is None


def test_least_recently_used_makes_room(cache):
    for number, key in enumerate("abc"):
        cache.put(key, number)
    cache.get("a")
    cache.put("d", 3)

    assert [key for key, _ in cache] == ["c", "a", "d"]


def test_putting_again_replaces_and_counts_as_use(cache):
    for number, key in enumerate("abc"):
        cache.put(key, number)
    cache.put("a", 10)
    cache.put("d", 3)

    assert dict(cache) == {"c": 2, "a": 10, "d": 3}


def test_dropped_is_forgotten_and_returned(cache):
    cache.put("a", 1)

    assert cache.drop("a") == 1
    assert cache.drop("a") is None
    assert cache.get("a") is None


def test_cleared_keeps_its_statistics(cache):
    cache.put("a", 1)
    cache.get("a")
    cache.clear()

    assert len(cache) == 0
    assert cache.stats.hits == 1


def test_statistics_count_what_happened(cache, clock):
    for number, key in enumerate("abcd"):
        cache.put(key, number)  # a is evicted
    cache.get("b")
    cache.get("c")
    cache.get("a")
    clock.now += 60
    cache.get("d")  # expired
    cache.put("e", 4)
    cache.put("f", 5)  # b, which has expired, makes room

    stats = cache.stats
    assert (stats.size, stats.capacity) == (3, 3)
    assert (stats.hits, stats.misses) == (2, 2)
    assert (stats.evictions, stats.expirations) == (1, 2)
    assert stats.hit_rate == 0.5


def test_hit_rate_of_an_unused_cache_is_nought(cache):
    assert cache.stats.hit_rate == 0


def test_cache_without_room_remembers_nothing():
    cache: MemoryCache[str, int] = MemoryCache(0, 60)
    cache.put("a", 1)

    assert cache.get("a") is None


def test_expired_values_can_be_kept_to_look_at(clock):
    cache: MemoryCache[str, int] = MemoryCache(2, 60, keeps_expired=True, clock=clock)
    cache.put("a", 1)
    clock.now += 60

    assert [cache.get("a"), cache.get("a")] == [None, None]
    assert cache.peek("a") == 1
    assert (cache.stats.misses, cache.stats.expirations) == (2, 1)
    cache.put("b", 2)
    cache.put("c", 3)
    assert cache.peek("a") is None
    assert (cache.stats.evictions, cache.stats.expirations) == (0, 1)
    cache.put("b", 4)
    assert cache.get("b") == 4


def test_looking_counts_nothing(cache):
    cache.put("a", 1)

    assert (cache.peek("a"), cache.peek("b")) == (1, None)
    assert (cache.stats.hits, cache.stats.misses) == (0, 0)
