from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from proxystore.database import Query
from proxystore.ledger import Ledger
from proxystore.ledger.forking import tell_of_forks
from proxystore.schema.usage import usage_events
from proxystore.settings import Settings
from tests import born
from tests.ledger.world import begin, database, entry, outcomes, totals, wait_until

_ROOT = Path(__file__).parents[2]


class Worker:
    """A process that appends."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self.log = log
        command = [sys.executable, "-m", "tests.ledger.process", settings.database_url, str(settings.data_dir)]
        with log.open("wb") as output:
            self._process = born.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=output)

    def saw(self, mark: str) -> set[UUID]:
        lines = self.log.read_text().splitlines()
        return {UUID(line[2:]) for line in lines if line.startswith(mark + " ") and len(line) == 34}

    async def work(self, requests: int) -> None:
        await wait_until(lambda: len(self.saw("E")) >= requests, seconds=20)

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def stop(self) -> int:
        self._process.communicate(timeout=20)
        return self._process.returncode


@contextmanager
def _workers(settings: Settings, tmp_path: Path, count: int) -> Iterator[list[Worker]]:
    workers = [Worker(settings, tmp_path / f"worker-{number}.log") for number in range(count)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.kill()


async def _recorded(settings: Settings) -> dict[UUID, str]:
    columns = select(usage_events.c.event_id, usage_events.c.outcome)
    query = Query(columns, lambda event_id, outcome: (event_id, outcome))
    async with database(settings) as opened:
        return dict(await opened.fetch_all(query))


async def _take_over(settings: Settings) -> None:
    """Start once more, as after a crash, until nothing is left of the dead."""
    ledger = Ledger(settings)
    await ledger.open()
    await wait_until(lambda: ledger.status().caught_up_at is not None, seconds=20)
    await ledger.close()


async def test_two_processes_on_one_directory_count_everything_once(settings: Settings, tmp_path: Path) -> None:
    with _workers(settings, tmp_path, 2) as workers:
        for worker in workers:
            await worker.work(200)
        assert [worker.stop() for worker in workers] == [0, 0]
    ended = set.union(*(worker.saw("E") for worker in workers))
    assert await _recorded(settings) == dict.fromkeys(ended, "complete")
    assert (await totals(settings))["requests"] == len(ended)


async def test_only_one_of_two_is_the_writer(settings: Settings) -> None:
    first, second = Ledger(settings), Ledger(settings)
    await first.open()
    await wait_until(lambda: first.status().is_writer)
    await second.open()
    second.append(entry())
    assert await second.drain(10)
    assert not second.status().is_writer
    await first.close()
    await wait_until(lambda: second.status().is_writer)
    second.append(entry())
    assert await second.drain(10)
    await second.close()
    assert (await totals(settings))["requests"] == 2


async def test_killed_at_random_nothing_is_lost_and_nothing_doubled(settings: Settings, tmp_path: Path) -> None:
    begun: set[UUID] = set()
    ended: set[UUID] = set()
    for round_number in range(5):
        folder = tmp_path / str(round_number)
        folder.mkdir()
        with _workers(settings, folder, 2) as workers:
            for worker in workers:
                await worker.work(random.randrange(1, 60))
            for worker in workers:
                worker.kill()
        begun |= set.union(*(worker.saw("B") for worker in workers))
        ended |= set.union(*(worker.saw("E") for worker in workers))
    await _take_over(settings)
    recorded = await _recorded(settings)
    assert begun <= recorded.keys()
    assert {event for event in ended if recorded[event] != "complete"} == set()
    assert (await totals(settings))["requests"] == len(recorded)
    assert len(recorded) - len(begun) <= 10  # journaled, and killed before it could say so


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
async def test_a_forked_child_appends_to_a_segment_of_its_own(settings: Settings) -> None:
    ledger = Ledger(settings)
    await ledger.open()
    await wait_until(lambda: ledger.status().is_writer)
    ledger.begin(begin())
    child = os.fork()
    if child == 0:
        ledger.append(entry())
        ledger.begin(begin())
        os._exit(0 if ledger.is_writable and ledger.status().lost == 0 else 1)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    assert status == 0
    ledger.append(entry())
    assert await ledger.drain(10)
    await ledger.close()
    await _take_over(settings)
    assert await outcomes(settings) == {"complete": 2, "failed": 2}


class _Holder:
    """Has a file, which a thread of the parent may have closed already."""

    def __init__(self, file: int) -> None:
        self.file = file
        tell_of_forks(self)

    def forget_parent(self) -> None:
        os.close(self.file)
        self.file = -1


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_file_that_is_closed_already_keeps_no_child_from_letting_go_of_others() -> None:
    closed = [_Holder(-1) for _ in range(4)]
    held = [_Holder(os.open(os.devnull, os.O_RDONLY)) for _ in range(4)]
    child = os.fork()
    if child == 0:
        os._exit(sum(holder.file != -1 for holder in (*closed, *held)))

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    for holder in held:
        holder.forget_parent()


async def test_the_lock_of_a_dead_parent_is_not_held_by_its_child(settings: Settings, tmp_path: Path) -> None:
    code = (
        "import asyncio, os, sys, time\n"
        "from tests.ledger.world import entry, wait_until\n"
        "from proxystore.ledger import Ledger\n"
        "from proxystore.settings import Settings\n"
        "async def main():\n"
        "    ledger = Ledger(Settings(database_url=sys.argv[1], data_dir=sys.argv[2]))\n"
        "    await ledger.open()\n"
        "    await wait_until(lambda: ledger.status().is_writer)\n"
        "    if os.fork() == 0:\n"
        "        sys.stdin.read()\n"
        "        os._exit(0)\n"
        "    ledger.append(entry())\n"
        "    os._exit(0)\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", code, settings.database_url, str(settings.data_dir)]
    parent = born.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE)
    assert await asyncio.to_thread(parent.wait, 20) == 0
    await _take_over(settings)
    assert (await totals(settings))["requests"] == 1
    parent.communicate()
