from __future__ import annotations

import signal

import pytest

from benchmarks.profile import sampling
from benchmarks.profile.sampling import Samples


def test_a_look_that_takes_long_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_EVERY", 20e-6)
    samples = Samples((__name__.partition(".")[0],))

    def look(depth: int) -> None:
        if depth:
            look(depth - 1)
        else:
            while samples.looks < 100:
                pass

    with samples.taken():
        look(500)

    assert set(samples.own) == set(samples.whole)
    assert samples.looks == sum(samples.own.values())


def test_a_signal_that_comes_late_is_no_look_and_no_end() -> None:
    samples = Samples((__name__.partition(".")[0],))
    with samples.taken():
        pass
    looks = samples.looks

    signal.raise_signal(signal.SIGALRM)

    assert samples.looks == looks
