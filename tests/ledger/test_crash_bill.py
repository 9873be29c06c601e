"""What a request costs whose process died before its end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from proxystore import Price, ProxyStoreMiddleware, Settings, Store
from proxystore.exchange.asgi import Receive, Scope, Send
from proxystore.ids import uuid7
from proxystore.ledger.entries import Begin, decode_begin, encode, failed
from proxystore.testing.asgi import call, http_scope
from proxystore_usage import Usage as UsagePlugin

_BODY = json.dumps({"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]}).encode()


@pytest.mark.parametrize(("policy", "tokens", "nanousd"), [("estimate", 71, 121_000), ("zero", 0, 0)])
async def test_a_request_that_nobody_ended_costs_what_it_could(  # noqa: PLR0917  what is asked for, and expected
    migrated_url: str, tmp_path: Path, policy: Any, tokens: int, nanousd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(
        database_url=migrated_url, data_dir=tmp_path / "data", plugins=(), bundled_prices=False, crash_bill=policy
    )
    begun: list[Begin] = []

    async def hanging(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async with Store(settings=settings) as store:
        await store.models.create("m", prices=[Price.of(input="1", output="2")])
        monkeypatch.setattr(store.ledger, "begin", lambda entry: begun.append(decode_begin(encode(entry))))
        app = ProxyStoreMiddleware(hanging, store=store, plugins=(UsagePlugin,))
        request = asyncio.create_task(call(app, http_scope(), _BODY))
        while not begun:
            await asyncio.sleep(0)
        monkeypatch.undo()
        store.ledger.append(failed(begun[0]))  # as the process does that finds what a dead one has left
        assert await store.ledger.drain(10)
        (event,) = await store.usage.list(limit=9)
        monkeypatch.setattr(store.ledger, "append", lambda entry: None)
        request.cancel()
        await asyncio.wait({request})

    assert (event.outcome, event.quality) == ("failed", "estimated")
    assert event.input_tokens + event.output_tokens == tokens
    assert event.cost_nanousd == nanousd


async def test_what_nobody_knows_a_price_of_has_none(migrated_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=migrated_url, data_dir=tmp_path / "data", plugins=(), bundled_prices=False)
    async with Store(settings=settings) as store:
        store.ledger.append(failed(Begin(event_id=uuid7(), request_model="nobody", input_tokens=5)))
        assert await store.ledger.drain(10)
        (event,) = await store.usage.list(limit=9)

    assert (event.input_tokens, event.cost_nanousd) == (5, None)


def test_a_beginning_of_an_older_release_is_read() -> None:
    begin = Begin(event_id=uuid7(), request_model="m")

    assert (failed(begin).input_tokens, failed(begin).cost_nanousd) == (0, None)
