"""The directory is ours alone, or nothing is cached."""

from __future__ import annotations

import os
import shutil
import stat

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def _modes(directory):
    return {stat.S_IMODE(path.stat().st_mode) for path in (directory, *directory.rglob("*")) if path.is_dir()}


async def _is_refused(host) -> bool:
    async with host.space() as space:
        is_kept = await space.set(b"key", b"value", ttl=60)
        return not is_kept and space.get(b"key") is None and await space.fetch(b"key") is None


async def test_nobody_else_can_read_what_is_cached(host):
    umask = os.umask(0)
    try:
        async with host.space() as space:
            await space.set(b"key", b"value", ttl=60)

            assert _modes(host.directory) == {0o700}
            assert {stat.S_IMODE(file.stat().st_mode) for file in host.directory.rglob("cache.db*")} == {0o600}
    finally:
        os.umask(umask)


async def test_directory_that_others_can_read_is_closed_to_them(host):
    host.place.mkdir(parents=True)
    host.place.chmod(0o755)
    async with host.space() as space:
        assert await space.set(b"key", b"value", ttl=60)

    assert stat.S_IMODE(host.place.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777])
async def test_directory_that_others_can_write_to_is_not_used(host, mode):
    host.place.mkdir(parents=True)
    host.place.chmod(mode)
    assert await _is_refused(host)


@needs_root
@pytest.mark.parametrize("which", ["", "..", "000", "000/cache.db"])
async def test_what_belongs_to_somebody_else_is_not_used(host, which):
    async with host.space() as space:
        await space.set(b"key", b"value", ttl=60)
    os.chown(host.place / which, 65534, -1)
    assert await _is_refused(host)


async def test_symbolic_link_is_not_followed(host, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    host.directory.mkdir(mode=0o700)
    host.place.symlink_to(tmp_path / "elsewhere")
    assert await _is_refused(host)


async def test_file_in_place_of_a_directory_is_not_used(host):
    host.directory.mkdir(mode=0o700)
    host.place.write_text("not a directory")
    assert await _is_refused(host)


async def test_cache_comes_back_once_it_may(host):
    host.place.mkdir(parents=True)
    host.place.chmod(0o777)
    async with host.space() as space:
        assert not await space.set(b"key", b"value", ttl=60)
        host.place.chmod(0o700)
        space._shelving._again_at = 0  # five seconds later

        assert await space.set(b"key", b"value", ttl=60)
        assert space.get(b"key") == b"value"


async def test_deleted_directory_is_made_anew(host):
    async with host.space() as one, host.space() as two:
        await one.set(b"key", b"value", ttl=60)
        assert two.get(b"key") == one.get(b"key") == b"value"
        shutil.rmtree(host.place)

        assert one.get(b"key") is two.get(b"key") is None
        assert await one.set(b"key", b"newer", ttl=60)
        await two.open()
        assert two.get(b"key") == b"newer"
