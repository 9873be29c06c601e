"""A middleware that was open when its process was forked, as under a server that preloads."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from proxystore import Store
from tests import born

_SCRIPT = Path(__file__).with_name("forking.py")


@pytest.mark.parametrize("store", ["own", "given"])
async def test_each_process_has_a_store_of_its_own(settings, store):
    told = {
        "PROXYSTORE_DATABASE_URL": settings.database_url,
        "PROXYSTORE_DATA_DIR": str(settings.data_dir),
        "PROXYSTORE_AUTH": "off",
    }
    done = born.run(
        [sys.executable, _SCRIPT, store], env={**os.environ, **told}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    async with Store(settings=settings) as opened:
        assert await opened.ledger.drain(10)
        assert len(await opened.usage.list(limit=10)) == 3
