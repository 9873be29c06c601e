"""Files that are damaged, full disks, slow ones, other processes: requests go on, and nothing wrong is served."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import subprocess
import time
from contextlib import suppress

import pytest

from proxystore.cache import shelving as shelving_module
from proxystore.cache.disk import SafeDisk


async def _fill(host, count: int = 40) -> None:
    async with host.space() as space:
        for number in range(count):
            await space.set(b"%d" % number, _value(number), ttl=60, tags=("tag",))


def _value(number: int) -> bytes:
    return b"%d:" % number * 100


@pytest.mark.parametrize("damage", ["garbage", "empty", "truncated", "directory"])
async def test_broken_file_is_moved_aside_at_the_start(host, damage):
    await _fill(host)
    for file in host.databases():
        if damage == "garbage":
            file.write_bytes(os.urandom(file.stat().st_size))
        elif damage == "empty":
            file.write_bytes(b"")
        elif damage == "truncated":
            os.truncate(file, file.stat().st_size // 2)
        else:
            file.unlink()
            file.mkdir(mode=0o700)
    async with host.space() as space:
        for number in range(40):
            assert space.get(b"%d" % number) in (None, _value(number))
        if damage != "directory":
            assert await space.set(b"key", b"value", ttl=60)
            assert space.get(b"key") == b"value"


async def test_file_that_breaks_in_use_is_moved_aside(host):
    await _fill(host)
    async with host.space() as one, host.space() as two:
        for file in host.databases():
            with file.open("r+b") as opened:
                opened.write(os.urandom(file.stat().st_size))
        seen = {space.get(b"%d" % number) for number in range(40) for space in (one, two)}
        assert seen <= {None, *map(_value, range(40))}
        for space in (one, two):
            await space.set(b"key", b"value", ttl=60)
            await space.set(b"key", b"value", ttl=60)
        assert one.get(b"key") == two.get(b"key") == b"value"

    assert len(host.broken()) == 1


@pytest.mark.parametrize("seed", range(5))
async def test_flipped_bytes_are_never_served(host, seed):
    await _fill(host)
    chance = random.Random(seed)
    for file in host.databases():
        data = bytearray(file.read_bytes())
        for _ in range(20):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        file.write_bytes(data)
    async with host.space() as space:
        for number in range(40):
            assert space.get(b"%d" % number) in (None, _value(number))
        await space.invalidate("tag")
        await space.set(b"key", b"value", ttl=60)
        await space.set(b"key", b"value", ttl=60)
        assert space.get(b"key") == b"value"


async def test_only_the_last_broken_cache_is_kept(host):
    for _ in range(3):
        await _fill(host, 10)
        for file in host.databases():
            file.write_bytes(os.urandom(10_000))
    await _fill(host, 1)

    assert len(host.broken()) == 1


async def test_full_disk_keeps_nothing_and_recovers(tmp_path, host):
    host.directory = tmp_path / "small" / "cache"
    host.directory.parent.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", host.directory.parent]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("may not mount a file system")
    try:
        async with host.space() as space:
            assert await space.set(b"before", b"value", ttl=60)
            filler = host.directory.parent / "filler"
            with suppress(OSError), filler.open("wb", buffering=0) as file:
                while file.write(b"\0" * 4096):
                    pass
            is_kept = [await space.set(b"%d" % number, b"x" * 50_000, ttl=60) for number in range(20)]

            assert not all(is_kept)
            assert space.get(b"before") == b"value"
            filler.unlink()
            assert await space.set(b"after", b"value", ttl=60)
            assert space.get(b"after") == space.get(b"before") == b"value"
        assert not host.broken()
    finally:
        subprocess.run(["umount", "--lazy", host.directory.parent], check=True)


async def test_writer_of_another_process_is_waited_for_in_a_thread(host):
    async with host.space() as space:
        await space.set(b"key", b"value", ttl=60)
        connections = [sqlite3.connect(file, isolation_level=None) for file in host.databases()]
        for connection in connections:
            connection.execute("BEGIN IMMEDIATE")
        setting = asyncio.create_task(space.set(b"other", b"value", ttl=60))
        await asyncio.sleep(0)
        assert space.get(b"key") == b"value"
        assert not setting.done()
        for connection in connections:
            connection.execute("ROLLBACK")
            connection.close()

        assert await setting


async def test_slow_disk_is_read_in_a_thread_and_not_waited_for(host, monkeypatch):
    now = time.monotonic()
    async with host.space() as space:
        for number in range(4):
            await space.set(b"%d" % number, b"x" * 40_000, ttl=60)
        space._shelving._was_slow = False  # as opening is on a busy machine
        monkeypatch.setattr(shelving_module, "_SLOW", 0.0)
        monkeypatch.setattr(shelving_module, "_READING", 5.0)
        assert space.get(b"0") is not None
        assert space._shelving.is_quick  # once is nothing
        assert space.get(b"0") is not None
        assert not space._shelving.is_quick
        assert space.get(b"1") is None
        assert await space.fetch(b"1") == b"x" * 40_000

        reading = asyncio.Event()
        loop = asyncio.get_running_loop()

        def fetch(*_):
            loop.call_soon_threadsafe(reading.set)
            time.sleep(0.05)
            return b""

        monkeypatch.setattr(shelving_module, "_READING", 0.001)
        monkeypatch.setattr(SafeDisk, "fetch", fetch)
        assert await space.fetch(b"2") is None
        await reading.wait()
        monkeypatch.undo()
        monkeypatch.setattr(time, "monotonic", lambda: now + 60)
        await space.fetch(b"3")
        assert space._shelving.is_quick
        assert space.get(b"2") == b"x" * 40_000


async def test_two_processes_that_keep_one_key_agree_in_the_end(host):
    async with host.space() as one, host.space() as two:
        for number in range(20):
            await asyncio.gather(
                one.set(b"key", b"one %d" % number, ttl=60), two.set(b"key", b"two %d" % number, ttl=60)
            )

            assert one.get(b"key") == two.get(b"key")


async def test_fork_opens_files_of_its_own(host):
    async with host.space() as space:
        await space.set(b"key", b"value", ttl=60)
        child = os.fork()
        if child == 0:  # pragma: no cover — another process
            os._exit(0 if space.get(b"key") is None and space._shelving.shelf is None else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0  # noqa: ASYNC222
        assert space.get(b"key") == b"value"


async def test_closing_twice_does_no_harm_and_it_can_be_opened_again(host):
    async with host.space() as space:
        await space.set(b"key", b"value", ttl=60)
        await space.close()
        await space.close()
        assert space.get(b"key") is None
        await space.open()
        assert space.get(b"key") == b"value"
