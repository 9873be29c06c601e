"""Histograms add up, and tell latencies within 5 %."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxystore.histograms import BINS, bin_of, grown, latency_of, pack, percentiles, unpack

_COUNTS = st.dictionaries(st.integers(0, BINS - 1), st.integers(1, 2**40), min_size=1)


@given(_COUNTS)
def test_what_was_packed_is_unpacked(counts: dict[int, int]) -> None:
    assert unpack(pack(counts)) == dict(sorted(counts.items()))


@given(st.lists(_COUNTS, max_size=5))
def test_histograms_one_after_the_other_add_up(many: list[dict[int, int]]) -> None:
    expected = sum((Counter(counts) for counts in many), Counter())
    assert Counter(unpack(b"".join(map(pack, many)))) == expected


def test_as_many_as_there_may_be_add_up() -> None:
    full = dict.fromkeys(range(BINS), 65_535)
    assert unpack(pack(full) * 1_000) == dict.fromkeys(range(BINS), 65_535_000)


@given(_COUNTS, _COUNTS)
def test_a_few_are_added_as_many_are(there: dict[int, int], new: dict[int, int]) -> None:
    assert grown(pack(there), new) == pack(unpack(pack(there) + pack(new)))


def test_a_few_are_added_in_their_place() -> None:
    assert grown(pack({3: 255, 5: 1}), {5: 7}) == pack({3: 255, 5: 8})
    assert grown(pack({3: 255, 5: 1}), {3: 1}) == pack({3: 256, 5: 1})
    assert grown(pack({3: 256, 5: 1}), {3: 255, 5: 256}) == pack({3: 511, 5: 257})


@given(st.integers(1, 70 * 60 * 1000))
def test_a_bin_stands_for_its_latencies_within_5_percent(milliseconds: int) -> None:
    assert latency_of(bin_of(milliseconds)) == pytest.approx(milliseconds, rel=0.05)


def test_what_is_shorter_or_longer_counts_at_the_ends() -> None:
    assert (bin_of(0), bin_of(2**31)) == (0, BINS - 1)


@given(st.lists(st.integers(1, 4_000_000), min_size=1, max_size=500), st.sampled_from([0.5, 0.95, 0.99]))
def test_percentiles_are_within_5_percent(latencies: list[int], share: float) -> None:
    (found,) = percentiles(Counter(map(bin_of, latencies)), [share])
    exact = sorted(latencies)[max(1, -(-int(share * 100) * len(latencies) // 100)) - 1]
    assert found == pytest.approx(exact, rel=0.05)


def test_of_nothing_there_are_no_percentiles() -> None:
    assert percentiles({}, [0.5, 0.99]) == [None, None]
    assert unpack(b"") == {}


def test_equal_histograms_are_equal_bytes() -> None:
    assert pack({7: 300, 5: 1}) == pack({5: 1, 7: 300}) == bytes((5, 3, 2, 1, 0, 44, 0, 0, 1))
