"""Processes that die while they keep something, and those that keep nothing."""

from __future__ import annotations

import subprocess
import sys
import time

from tests import born

_WRITER = """
import asyncio, sys
from pathlib import Path
from proxystore.cache import Spaces

async def write():
    space = Spaces(Path(sys.argv[1])).space("answers")
    await space.open()
    number = 0
    while True:
        await space.set(b"%d" % (number % 50), b"%d:" % (number % 50) * 5000, ttl=60, tags=(f"tag-{number}",))
        number += 1
        if number == 20:
            print("writing", flush=True)

asyncio.run(write())
"""

_NOBODY_CACHES = """
import asyncio, sys
from proxystore import Settings, Store
from proxystore.asgi import app

async def use():
    async with Store("sqlite:///:memory:") as store:
        store.cache.space("answers").get(b"key")

asyncio.run(use())
sys.exit("diskcache" in sys.modules)
"""


async def test_process_killed_while_it_stores_leaves_whole_values(host):
    for _ in range(3):
        with born.Popen([sys.executable, "-c", _WRITER, host.directory], stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"writing\n"
            time.sleep(0.02)  # noqa: ASYNC251  anywhere in the middle
            process.kill()
        host.now = time.time_ns()
        async with host.space() as space:
            found = {number: space.get(b"%d" % number) for number in range(50)}
            assert any(found.values())
            assert all(value in (None, b"%d:" % number * 5000) for number, value in found.items())
            assert await space.set(b"key", b"value", ttl=60)
            assert space.get(b"key") == b"value"

    assert not host.broken()


def test_who_caches_nothing_does_not_load_diskcache(tmp_path):
    process = subprocess.run([sys.executable, "-c", _NOBODY_CACHES], cwd=tmp_path, check=False)
    assert process.returncode == 0
