"""Whoever could write into the cache's directory runs no code of his, reads no file and removes none."""

from __future__ import annotations

import os
import pickle
import shutil
import sqlite3
from pathlib import Path

import pytest

from proxystore.cache.disk import Planted, SafeDisk

MODES = {"raw": 1, "binary": 2, "text": 3, "pickle": 4}


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture(name="mark")
def _mark(tmp_path: Path) -> Path:
    return tmp_path / "ran"


async def _use(space) -> None:
    """Do all that can be done with a space."""
    await space.fetch(b"key")
    await space.set(b"key", b"newer", ttl=60, tags=("tag",))
    await space.invalidate("tag")
    await space.purge(b"k")
    await space.purge()
    await space.stats()


async def _fill(host) -> None:
    async with host.space() as space:
        await space.set(b"key", b"value", ttl=60, tags=("tag",))


async def test_pickled_value_is_not_read(host, mark):
    await _fill(host)
    assert host.execute("UPDATE Cache SET mode = 4, value = ?", pickle.dumps(Bomb(mark))) == 1
    async with host.space() as space:
        assert space.get(b"key") is None
        await _use(space)

    assert not mark.exists()
    assert len(host.broken()) == 1


async def test_pickled_key_is_not_read(host, mark):
    await _fill(host)
    assert host.execute("UPDATE Cache SET raw = 0, key = ?", pickle.dumps(Bomb(mark))) == 1
    async with host.space() as space:
        space.get(b"key")
        await _use(space)

    assert not mark.exists()


@pytest.mark.parametrize("name", ["../../../../secret", "/etc/hostname", "00/00/" + "0" * 28 + ".val"])
async def test_named_file_is_neither_read_nor_removed(host, name):
    secret = host.directory.parent / "secret"
    secret.write_text("canary")
    for mode in MODES.values():
        await _fill(host)
        own = host.databases()[0].parent / "00/00"
        own.mkdir(parents=True)
        (own / ("0" * 28 + ".val")).write_bytes(b"canary")
        assert host.execute("UPDATE Cache SET mode = ?, value = NULL, filename = ?", mode, name) == 1
        async with host.space() as space:
            assert space.get(b"key") is None
            await _use(space)
        assert host.broken()
        assert secret.read_text() == "canary"
        assert Path("/etc/hostname").exists()
        shutil.rmtree(host.place)


async def test_named_file_is_not_removed_when_its_row_makes_room(host):
    await _fill(host)
    secret = host.directory.parent / "secret"
    secret.write_text("canary")
    host.execute("UPDATE Cache SET filename = '../../../secret', expire_time = 1")
    async with host.space() as space:
        for number in range(20):
            await space.set(b"%d" % number, b"value", ttl=60)
        await space.delete(b"key")
        await space.invalidate("tag")

    assert secret.exists()


async def test_value_moved_to_another_key_is_not_believed(host):
    await _fill(host)
    assert host.execute("UPDATE Cache SET key = ?", b"yek") == 1
    async with host.space() as space:
        assert space.get(b"yek") is None


async def test_value_whose_time_was_prolonged_is_not_believed(host):
    await _fill(host)
    (file,) = [file for file in host.databases() if _values(file)]
    value = bytearray(_values(file)[0])
    value[20] ^= 1
    assert host.execute("UPDATE Cache SET value = ?", bytes(value)) == 1
    async with host.space() as space:
        assert space.get(b"key") is None


@pytest.mark.parametrize("length", [0, 1, 23, 24, 28])
async def test_truncated_value_is_a_miss(host, length):
    await _fill(host)
    assert host.execute(f"UPDATE Cache SET value = substr(value, 1, {length})") == 1
    async with host.space() as space:
        assert space.get(b"key") is None
        assert await space.set(b"key", b"newer", ttl=60)
        assert space.get(b"key") == b"newer"


@pytest.mark.parametrize("value", [1, 1.5, None, "text"])
async def test_value_of_another_kind_is_not_believed(host, value):
    await _fill(host)
    host.execute("UPDATE Cache SET value = ?", value)
    async with host.space() as space:
        assert space.get(b"key") is None


async def test_planted_settings_do_not_count(host, tmp_path):
    await _fill(host)
    for name, value in {"eviction_policy": "least-recently-used", "statistics": 1, "disk_min_file_size": 0}.items():
        host.execute("UPDATE Settings SET value = ? WHERE key = ?", value, name)
    async with host.space() as space:
        assert space.get(b"key") == b"value"
        assert await space.set(b"key", b"newer", ttl=60)

    assert not list(host.place.rglob("*.val"))
    assert host.execute("SELECT 1 FROM Settings WHERE key = 'statistics' AND value = 1") <= 0


async def test_planted_setting_that_nobody_knows_makes_it_begin_anew(host):
    await _fill(host)
    host.execute("INSERT INTO Settings VALUES ('disk_pickles', 1)")
    async with host.space() as space:
        assert space.get(b"key") is None
        assert await space.set(b"key", b"value", ttl=60)


@pytest.mark.parametrize("thing", [object(), 1, 1.5, None, ("a",)])
def test_disk_takes_bytes_alone(tmp_path, thing):
    disk = SafeDisk(str(tmp_path))
    with pytest.raises(TypeError):
        disk.put(thing)
    with pytest.raises(TypeError):
        disk.store(thing, read=False)
    with pytest.raises(TypeError):
        disk.filename()
    with pytest.raises(Planted):
        disk.get(thing, raw=True)


def _values(file: Path) -> list[bytes]:
    connection = sqlite3.connect(file)
    try:
        return [value for (value,) in connection.execute("SELECT value FROM Cache")]
    finally:
        connection.close()
