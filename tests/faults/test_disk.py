"""Faults 6 and 7: the disk is full, or fails at the n-th call."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from proxystore.database import Database, Transaction
from proxystore.database import database as database_module
from proxystore.database import transaction as transaction_module
from proxystore.database.scripts import bound
from proxystore.errors import StoreUnavailable
from proxystore.ledger import Ledger
from proxystore.ledger import segment as segment_module
from proxystore.settings import Settings
from tests.faults.clients import DEADLINE, Log, chat
from tests.faults.invariants import assert_counted, take_over
from tests.faults.workers import Nursery, Worker
from tests.ledger.world import begin, entry, outcomes, totals

_GRACEFUL = (0, -signal.SIGTERM)
_REQUESTS = 12
_WRITES = 21  # of that many requests, three of which never end


@pytest.fixture(name="small_disk")
def _small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], check=False).returncode:
        pytest.skip("may not mount a file system")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def _fill(place: Path) -> Path:
    filler = place / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(b"\0" * 4096):
            pass
    return filler


async def _ask_until(worker: Worker, log: Log, status: int) -> None:
    async with asyncio.timeout(DEADLINE):
        while log.statuses[-1:] != [status]:
            await chat(worker.port, log, is_streaming=False)


@pytest.mark.parametrize("is_all_there", [False, True], ids=["journal", "journal and database"])
async def test_a_full_disk_refuses_until_there_is_room(
    sqlite_template: Path, small_disk: Path, tmp_path: Path, nursery: Nursery, is_all_there: bool
) -> None:
    file = (small_disk if is_all_there else tmp_path) / "proxystore.db"
    file.write_bytes(sqlite_template.read_bytes())
    settings = Settings(database_url=f"sqlite:///{file}", data_dir=small_disk, auth="off")
    log, worker = Log(), nursery.spawn(settings)
    await _ask_until(worker, log, 200)
    filler = _fill(small_disk)
    await _ask_until(worker, log, 503)
    filler.unlink()
    await _ask_until(worker, log, 200)
    assert await worker.stop() in _GRACEFUL
    await take_over(settings)
    await assert_counted(settings, log)
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_a_full_disk_may_be_told_to_refuse_nobody(settings: Settings, small_disk: Path, nursery: Nursery) -> None:
    given = {**settings.model_dump(exclude_unset=True), "data_dir": small_disk, "journal_full": "continue"}
    log, worker = Log(), nursery.spawn(Settings(**given))
    await _ask_until(worker, log, 200)
    filler = _fill(small_disk)
    for _ in range(60):
        await chat(worker.port, log, is_streaming=False)
    filler.unlink()
    assert set(log.statuses) == {200}
    assert await worker.stop() in _GRACEFUL
    await take_over(Settings(**given))
    await assert_counted(settings, log)


class Failing:
    """Stands for a call that fails the n-th time: before it did anything, or after."""

    def __init__(self, call: Callable[..., Any], nth: int) -> None:
        self._call = call
        self._left = nth

    def __call__(self, *arguments: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return self._call(*arguments)


def _work(ledger: Ledger) -> int:
    for number in range(_REQUESTS):
        started = begin()
        ledger.begin(started)
        if number % 4 != 3:
            ledger.append(entry(event_id=started.event_id))
    return _REQUESTS


@pytest.mark.parametrize("call", ["write", "_sync", "ftruncate"])
async def test_whichever_call_of_the_journal_fails_all_is_counted(
    sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    fsync, asked = ("always" if call == "_sync" else "interval"), 0
    settings = sqlite_settings.model_copy(update={"fsync": fsync})
    for nth in range(2, 30, 3):
        ledger = Ledger(settings)
        await ledger.open()
        with monkeypatch.context() as patch:
            if call == "_sync":
                patch.setattr(segment_module, "_sync", Failing(segment_module._sync, nth))
            elif call == "ftruncate":  # half an entry, which cannot be taken away
                patch.setattr(segment_module, "os", torn := _Torn(nth))
                patch.setattr(segment_module, "syscalls", torn)
            else:
                patch.setattr(segment_module, "syscalls", _Disk(write=Failing(os.write, nth)))
            asked += _work(ledger)
            if call == "_sync":
                assert ledger.status().sync_failures == (1 if nth <= _WRITES else 0)
        await ledger.close()
        assert ledger.status().lost == 0
    await take_over(settings)
    assert (await totals(settings))["requests"] == asked
    assert await outcomes(settings) == {"complete": asked * 3 // 4, "failed": asked // 4}


class _Disk:
    def __init__(self, **calls: Any) -> None:
        self.__dict__ |= calls

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


class _Torn(_Disk):
    """At its n-th call writes half, and will not have that half taken away."""

    def __init__(self, nth: int) -> None:
        self._left = nth

    def write(self, file: int, data: bytes) -> int:
        self._left -= 1
        return os.write(file, data[: len(data) // 2] if self._left == 0 else data)

    def ftruncate(self, file: int, size: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("when", ["before", "after"])
async def test_whichever_call_of_the_database_fails_all_is_counted_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    asked, has_failed = 0, True
    while has_failed:  # until there are no more calls to fail
        asked += 5
        failed = _fail(monkeypatch, asked // 5, when)
        ledger = Ledger(settings)
        await ledger.open()
        for number in range(5):
            ledger.append(entry(key_id=f"key {asked} {number}"))
        assert await ledger.drain(DEADLINE)
        monkeypatch.undo()
        await ledger.close()
        shutil.rmtree(settings.data_dir / "journal")  # else the next one has more calls to make: it looks at these, too
        has_failed = bool(failed)
    assert asked > 20
    summed = await totals(settings)
    assert (summed["requests"], summed["input_tokens"]) == (asked, asked * 1000)


def _fail(patch: pytest.MonkeyPatch, nth: int, when: str) -> list[bool]:
    """Have the n-th call of a transaction fail, before or after it has done its work: a commit's is then not known."""
    count, failed = [nth], list[bool]()
    for name in ("execute", "fetch_all", "_leave", *(("__aenter__",) if when == "before" else ())):
        patch.setattr(Transaction, name, _failing(getattr(Transaction, name), count, failed, when))
    patch.setattr(Database, "perform", _failing(Database.perform, count, failed, when))
    for module in (database_module, transaction_module):
        patch.setattr(module, "bound", _failing_script(count, failed, when))
    return failed


def _is_the_one(left: list[int], failed: list[bool]) -> bool:
    """Count a call, and tell whether it is the one to fail."""
    left[0] -= 1
    if left[0] == 0:
        failed.append(True)
    return left[0] == 0


def _failing_script(left: list[int], failed: list[bool], when: str) -> Any:
    def steps(*arguments: Any) -> Any:
        script, rows = bound(*arguments), None
        while True:
            try:
                step = next(script) if rows is None else script.send(rows)
            except StopIteration as end:
                return end.value
            is_to_fail = _is_the_one(left, failed)
            if is_to_fail and when == "before":
                raise StoreUnavailable
            rows = yield step
            if is_to_fail:
                raise StoreUnavailable

    return steps


def _failing(call: Any, left: list[int], failed: list[bool], when: str) -> Any:
    async def called(*arguments: Any, **values: Any) -> Any:
        is_to_fail = _is_the_one(left, failed)
        if is_to_fail and when == "before":
            raise StoreUnavailable
        result = await call(*arguments, **values)
        if is_to_fail:
            raise StoreUnavailable
        return result

    return called
