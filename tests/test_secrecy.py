"""The pepper: made where it may be, asked for where it may not, and never a wrong one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from stat import S_IMODE

import pytest

from proxystore import Settings, SettingsError, Store
from proxystore.secrecy import new_secret
from tests import born

_OLD, _NEW = "the pepper that was there from the first day", "the pepper of the day after the first"
_START = """
import asyncio, sys
from proxystore import Store, Settings

async def main() -> None:
    settings = Settings.load(database_url=sys.argv[1], environ={})
    async with Store(settings=settings) as store:
        print(store.digester.digest(b"secret").hex())

asyncio.run(main())
"""


def _store(url: str, path: Path, pepper: str | None) -> Store:
    return Store(settings=Settings(database_url=url, data_dir=path / "data", pepper=pepper))


async def _made(store: Store) -> str:
    async with store:
        return (await store.keys.create(name="n")).secret


async def test_a_pepper_is_made_once_and_is_nobody_elses_to_read(sqlite_url: str, tmp_path: Path) -> None:
    secret = await _made(_store(sqlite_url, tmp_path, None))
    file = tmp_path / "data" / "pepper"

    assert S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_text().strip()) >= 32
    async with _store(sqlite_url, tmp_path, None) as store:
        await store.keys.authenticate(secret)


def test_six_processes_that_start_at_once_have_one_pepper(sqlite_url: str) -> None:
    command = [sys.executable, "-c", _START, sqlite_url]
    processes = [born.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    told = [process.communicate(timeout=60)[0].strip() for process in processes]

    assert [process.returncode for process in processes] == [0] * 6
    assert len(set(told)) == 1
    assert not [file for file in Path(sqlite_url.removeprefix("sqlite:///")).parent.iterdir() if "pepper-" in file.name]


async def test_on_postgresql_a_pepper_has_to_be_given(postgres_url: str, tmp_path: Path) -> None:
    store = _store(postgres_url, tmp_path, None)

    with pytest.raises(
        SettingsError, match=r"PROXYSTORE_PEPPER is not set.*PROXYSTORE_AUDIT_KEY.*proxystore secrets new.*openssl"
    ):
        await store.open()
    assert not store.is_open


async def test_a_wrong_pepper_stops_the_start(migrated_url: str, tmp_path: Path) -> None:
    await _made(_store(migrated_url, tmp_path, _OLD))

    with pytest.raises(SettingsError, match="is not the pepper") as refused:
        await _store(migrated_url, tmp_path, _NEW).open()
    assert _OLD not in str(refused.value)
    assert _NEW not in str(refused.value)


async def test_a_pepper_that_nothing_was_made_with_may_be_changed(migrated_url: str, tmp_path: Path) -> None:
    async with _store(migrated_url, tmp_path, _OLD):
        pass
    secret = await _made(_store(migrated_url, tmp_path, _NEW))

    async with _store(migrated_url, tmp_path, _NEW) as store:
        assert (await store.keys.authenticate(secret)).name == "n"
    with pytest.raises(SettingsError, match="is not the pepper"):
        await _store(migrated_url, tmp_path, _OLD).open()


async def test_who_has_a_pepper_that_was_replaced_makes_nothing_with_it(migrated_url: str, tmp_path: Path) -> None:
    async with _store(migrated_url, tmp_path, _OLD) as first:
        secret = await _made(_store(migrated_url, tmp_path, _NEW))
        with pytest.raises(SettingsError, match=r"has started with another pepper .*PROXYSTORE_PEPPER"):
            await first.keys.create(name="lost")
        (key,) = await first.keys.list(limit=9)
        with pytest.raises(SettingsError, match="start this one again"):
            await first.keys.rotate(key.id)

    async with _store(migrated_url, tmp_path, _NEW) as store:
        assert (await store.keys.authenticate(secret)).id == key.id


async def test_a_new_pepper_comes_before_the_old_one(migrated_url: str, tmp_path: Path) -> None:
    old = await _made(_store(migrated_url, tmp_path, _OLD))
    async with _store(migrated_url, tmp_path, f"{_NEW}, {_OLD}") as store:
        new = (await store.keys.create(name="n")).secret
        assert store.digester.version == 2
        await store.keys.authenticate(old)
        await store.keys.authenticate(new)
    async with _store(migrated_url, tmp_path, _NEW) as store:
        assert store.digester.version == 2
        await store.keys.authenticate(new)


async def test_a_pepper_that_was_lost_is_not_made_anew(sqlite_url: str, tmp_path: Path) -> None:
    await _made(_store(sqlite_url, tmp_path, None))
    (tmp_path / "data" / "pepper").unlink()

    with pytest.raises(SettingsError, match="restore it, or set PROXYSTORE_PEPPER"):
        await _store(sqlite_url, tmp_path, None).open()


async def test_a_pepper_that_was_cut_off_is_not_used(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "pepper").write_text("short\n")

    with pytest.raises(SettingsError, match="damaged"):
        await _store(sqlite_url, tmp_path, None).open()


async def test_a_pepper_that_is_no_text_is_told(sqlite_url: str, tmp_path: Path) -> None:
    kept = tmp_path / "data" / "pepper"
    kept.parent.mkdir()
    kept.write_bytes(b"\xff\xfe" * 40)
    with pytest.raises(SettingsError, match=rf"{kept}, where the .* is kept, is damaged: restore it"):
        await _store(sqlite_url, tmp_path, None).open()

    kept.unlink()
    kept.mkdir()
    with pytest.raises(SettingsError, match=rf"{kept}, .* cannot be read: Is a directory: restore it, or set"):
        await _store(sqlite_url, tmp_path, None).open()


async def test_a_pepper_that_is_too_short_is_refused(migrated_url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="32 characters") as refused:
        await _store(migrated_url, tmp_path, "changeme").open()
    assert "changeme" not in str(refused.value)


def test_a_database_in_memory_leaves_no_pepper_behind(tmp_path: Path) -> None:
    asyncio.run(_made(_store("sqlite:///:memory:", tmp_path, None)))

    assert not (tmp_path / "data" / "pepper").exists()


def test_a_new_secret_is_long_enough_and_fits_a_list() -> None:
    assert len(new_secret()) >= 32
    assert "," not in new_secret()
