"""``proxystore limits``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from typer.testing import CliRunner

from proxystore import Settings, Store
from proxystore.cli import build
from proxystore.limits import Reservation
from tests.ledger.world import entry


def test_what_is_left_of_a_keys_limits_is_shown(migrated_url: str, tmp_path: Path) -> None:
    settings = Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data")

    async def use() -> str:
        async with Store(settings=settings) as store:
            new = await store.keys.create(name="search", requests_per_minute=10, max_requests=100, monthly_budget=5)
            found = await store.keyring.find(str(new.secret).encode())
            assert found is not None
            taken = await store.limits.reserve(found.principal.limits, nanousd=10**9)
            assert isinstance(taken, Reservation)
            key_id = found.principal.key_id
            assert key_id is not None
            store.ledger.append(entry(key_id=key_id, hold=taken.hold, cost_nanousd=10**9))
            store.limits.settle(taken, requests=1, nanousd=10**9)
            assert await store.ledger.drain(10)
            return key_id

    key_id = asyncio.run(use())
    done = CliRunner().invoke(build(settings, "limits"), ["limits", "show", key_id, "--json"])
    assert done.exit_code == 0, done.output
    shown = {(row["unit"], row["window"]): row for row in json.loads(done.stdout)}
    assert shown["nanousd", "month"]["used"] == 10**9
    assert shown["nanousd", "month"]["remaining"] == 4 * 10**9
    assert (shown["requests", "ever"]["used"], shown["requests", "ever"]["remaining"]) == (1, 99)
    assert shown["requests", "minute"]["used"] in (0, 1)
