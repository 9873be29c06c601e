"""Limits over real processes, which are stopped and killed."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxystore import Store
from proxystore.limits import Exhausted, Reservation, Timing
from proxystore.settings import Settings
from proxystore.values import Limit
from tests import born
from tests.limits.world import budget, limit

_ROOT = Path(__file__).parents[2]


class Other:
    """Another process."""

    def __init__(self, settings: Settings, data_dir: Path) -> None:
        command = [sys.executable, "-m", "tests.limits.process", settings.database_url, str(data_dir)]
        self.process = born.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self._answer() == "ready"

    def ask(self, *limits: Limit, **order: Any) -> int:
        self.order(*limits, **order)
        return int(self._answer())

    def order(self, *limits: Limit, **order: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"limits": msgspec.to_builtins(limits), **order}) + "\n")

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def _others(settings: Settings, *places: Path) -> Iterator[list[Other]]:
    others = [Other(settings, place) for place in places]
    try:
        yield others
    finally:
        for other in others:
            other.process.kill()
            other.process.communicate()


def _hasty(settings: Settings) -> Store:
    store = Store(settings=settings)
    store.limits.timing = Timing(beat=0.1, fence=0.6, dead=1.0, idle=0.05, deadline=10.0)
    return store


async def _until_held(store: Store, amount: int) -> None:
    async with asyncio.timeout(20):
        while (await budget(store, "tokens"))[1] != amount:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("window", ["minute", "ever"])
@pytest.mark.parametrize("shares", [(50, 50), (95, 5)])
def test_of_a_hundred_in_two_processes_exactly_25_pass(
    settings: Settings, tmp_path: Path, window: str, shares: tuple[int, int]
) -> None:
    with _others(settings, tmp_path, tmp_path) as others:
        for other, share in zip(others, shares, strict=True):
            other.order(limit(window=window), count=share)
        assert sum(int(other._answer()) for other in others) == 25
        assert sum(other.ask(limit(window=window), count=5) for other in others) == 0


async def test_who_was_stopped_spends_nothing_that_it_held_before(settings: Settings, tmp_path: Path) -> None:
    """As of a process that is stopped for 40 seconds, but hastier."""
    limits = (limit("tokens", 1000),)
    with _others(settings, tmp_path / "other") as (other,):
        assert other.ask(*limits, count=10, tokens=90, settle=10) == 10
        assert other.ask(*limits, tokens=90, settle=1) == 1  # of what it holds
        async with _hasty(settings) as store:
            assert isinstance(await store.limits.reserve(limits, tokens=10), Reservation)
            other.process.send_signal(signal.SIGSTOP)
            await _until_held(store, 10)
            assert isinstance(await store.limits.reserve(limits, tokens=950), Reservation)
            other.process.send_signal(signal.SIGCONT)
            assert other.ask(*limits, tokens=90) == 0
            spent, held = await budget(store, "tokens")
            assert (spent, 960 <= held <= 1000) == (0, True)


@pytest.mark.parametrize("place", ["", "elsewhere"])
async def test_what_the_dead_held_comes_back(settings: Settings, tmp_path: Path, place: str) -> None:
    """From their journal at once, and without one after a while."""
    limits = (limit("tokens", 1000),)
    async with _hasty(settings) as store:
        assert isinstance(await store.limits.reserve(limits, tokens=10), Reservation)
        with _others(settings, settings.data_dir / place) as (other,):
            assert other.ask(*limits, count=2, tokens=400, settle=1, begin=not place) == 2
            other.process.kill()
            await _until_held(store, 10)
        spent = (await budget(store, "tokens"))[0]
        assert spent == (0 if place else 800)  # two began, and nobody knows what became of them
        rest = 990 - spent
        assert isinstance(await store.limits.reserve(limits, tokens=rest + 1), Exhausted)
        assert isinstance(await store.limits.reserve(limits, tokens=rest), Reservation)
