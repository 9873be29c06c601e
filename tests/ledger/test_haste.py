"""Threads switch often while anybody has much to do, and then as before."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from proxystore.ledger.haste import Haste


@pytest.fixture(name="usual", params=[0.005, 0.0001])
def _usual(request: pytest.FixtureRequest) -> Iterator[float]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(request.param)
    yield request.param
    sys.setswitchinterval(before)


def test_threads_switch_often_until_the_last_is_done(usual: float) -> None:
    one, other = Haste(), Haste()
    for haste in (one, other, one):
        haste.set(is_on=True)
        assert sys.getswitchinterval() == pytest.approx(min(usual, 0.0005), abs=2e-6)
    one.set(is_on=False)
    assert sys.getswitchinterval() == pytest.approx(min(usual, 0.0005), abs=2e-6)
    for haste in (other, one):
        haste.set(is_on=False)
        assert sys.getswitchinterval() == pytest.approx(usual, abs=2e-6)
