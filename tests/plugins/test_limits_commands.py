"""``proxystore limits``."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert
from typer.testing import CliRunner

from proxystore import Settings, Statement, Store
from proxystore.cli import build
from proxystore.limits import Reservation
from proxystore.periods import period_at
from proxystore.schema import budget_windows
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


def test_a_limit_that_was_used_before_and_not_now_has_a_line(migrated_url: str, tmp_path: Path) -> None:
    settings = Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data")
    before = datetime.now(UTC) - timedelta(days=40)

    async def use() -> str:
        async with Store(settings=settings) as store:
            new = await store.keys.create(name="search", daily_budget=5, monthly_budget=50)
            period = period_at("day", int(before.timestamp()) * 10**9).number
            window = {"owner": new.record.id, "unit": "nanousd", "span": "day", "period": period, "spent": 2 * 10**9}
            await store.database.execute(Statement(insert(budget_windows).values(window)))
            return new.record.id

    key_id = asyncio.run(use())
    shown = json.loads(CliRunner().invoke(build(settings, "limits"), ["limits", "show", key_id, "--json"]).stdout)
    today, then, month = shown
    assert today["begins_at"].startswith(f"{datetime.now(UTC):%Y-%m-}")
    assert (today["window"], today["used"], today["remaining"]) == ("day", 0, 5 * 10**9)
    assert (then["window"], then["used"], then["begins_at"]) == ("day", 2 * 10**9, f"{before:%Y-%m-%d}T00:00:00Z")
    assert (month["window"], month["used"]) == ("month", 0)
    table = CliRunner().invoke(build(settings, "limits"), ["limits", "show", key_id]).stdout.splitlines()
    assert [line.split()[:2] for line in table[1:]] == [["dollars", "day"], ["dollars", "month"]]
