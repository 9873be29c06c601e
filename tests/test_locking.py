"""The locks: their queue, their deadline, and what is left when somebody gives up or dies."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proxystore.errors import StoreBusy
from proxystore.locking import HostLock, TaskLock

HOLD = """
import sys
from pathlib import Path
from proxystore.locking import HostLock
with HostLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@contextmanager
def _holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until its input ends, or it dies."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_one_holds_it_at_a_time(path: Path) -> None:
    first, second = HostLock(path), HostLock(path)

    assert first.try_acquire()
    assert not first.try_acquire()
    assert not second.try_acquire()
    first.release()
    assert second.try_acquire()
    assert second.is_held
    second.close()
    assert not second.is_held
    second.close()
    assert first.try_acquire()
    first.close()


def test_its_file_is_for_its_owner_alone(path: Path) -> None:
    with HostLock(path) as lock:
        assert path.stat().st_mode & 0o777 == 0o600
    lock.close()


async def test_it_waits_for_another_process(path: Path) -> None:
    lock = HostLock(path)

    with _holder(path) as process:
        assert not lock.try_acquire()
        waiting = asyncio.create_task(lock.acquire(20))
        await asyncio.sleep(0)
        assert not lock.is_held
        assert process.stdin is not None
        process.stdin.close()
        await waiting

    assert lock.is_held
    lock.close()


async def test_it_is_free_when_its_holder_is_killed(path: Path) -> None:
    with _holder(path) as process:
        process.kill()
        async with HostLock(path) as lock:
            assert lock.is_held
    lock.close()


async def test_who_waits_too_long_is_told_so(path: Path) -> None:
    lock = HostLock(path)

    with HostLock(path) as other:
        for _ in range(3):
            with pytest.raises(StoreBusy):
                await lock.acquire(0.01)
        waiters = [thread for thread in threading.enumerate() if thread.name == "wait-lock"]
        assert len(waiters) == 1  # however many gave up

    async with asyncio.timeout(20), lock:
        assert lock.is_held
        assert not other.try_acquire()
    waiters[0].join(20)
    assert other.try_acquire()
    other.close()


async def test_who_gives_up_leaves_it_free(path: Path) -> None:
    lock = HostLock(path)

    with HostLock(path) as other:
        waiting = asyncio.create_task(lock.acquire())
        await asyncio.wait((waiting,), timeout=0.05)
        waiting.cancel()
        await asyncio.wait((waiting,))
        assert waiting.cancelled()
        waiters = [thread for thread in threading.enumerate() if thread.name == "wait-lock"]
    for thread in waiters:
        await asyncio.to_thread(thread.join, 20)

    assert not lock.is_held
    assert other.try_acquire()
    other.close()
    lock.close()


async def test_tasks_get_it_in_the_order_they_came(path: Path) -> None:
    lock, order = HostLock(path), list[int]()

    async def take(number: int) -> None:
        async with lock:
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(take(number) for number in range(20)))

    assert order == list(range(20))
    lock.close()


async def test_without_its_directory_it_says_so(tmp_path: Path) -> None:
    lock = HostLock(tmp_path / "missing" / "lock")

    for _ in range(2):  # nobody holds it afterwards
        with pytest.raises(FileNotFoundError):
            await lock.acquire()


async def test_a_lock_between_tasks_has_a_deadline_too() -> None:
    lock = TaskLock()
    await lock.acquire()

    with pytest.raises(StoreBusy):
        await lock.acquire(0.01)
    lock.release()
    lock.release()
    await lock.acquire(0.01)


FORK = """
import os, sys
from pathlib import Path
from proxystore.locking import HostLock
lock = HostLock(Path(sys.argv[1]))
lock.try_acquire()
if os.fork() == 0:
    print("forked", flush=True)
    sys.stdin.read()
os._exit(0)
"""


def test_a_child_does_not_hold_what_its_parent_held_when_it_died(path: Path) -> None:
    command = [sys.executable, "-c", FORK, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "forked\n"
        assert parent.wait(20) == 0
        assert HostLock(path).try_acquire()


async def test_who_closes_a_lock_that_a_thread_waits_for_leaves_no_file_open(path: Path) -> None:
    held, given_up = HostLock(path), HostLock(path)
    assert held.try_acquire()
    with pytest.raises(StoreBusy):
        await given_up.acquire(0.01)
    given_up.close()
    held.close()
    async with asyncio.timeout(20):
        while given_up._file is not None:
            await asyncio.sleep(0.005)
