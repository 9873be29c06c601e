"""Sinks hear of every audit event after its commit, in the order of the chain, at least once."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from examples.audit_sinks import AuditFile, AuditSyslog
from proxystore import AuditEvent, Store, hookimpl
from proxystore.hooks import Plugins
from proxystore.hooks.telling import Teller
from proxystore.settings import Settings
from proxystore.testing.asgi import call, http_scope
from tests.audit.world import append, entry


class Listener:
    """Hears of events."""

    name = "listener"

    def __init__(self, *, fails_at: int = 0) -> None:
        self.heard: list[int] = []
        self.fails_at = fails_at

    @hookimpl
    async def on_audit(self, event: AuditEvent, store: Store) -> None:
        assert await store.audit.get(event.seq) == event
        self.heard.append(event.seq)
        if event.seq == self.fails_at:
            raise RuntimeError("no")


@asynccontextmanager
async def _telling(store: Store, *plugins: object) -> AsyncIterator[None]:
    loaded = Plugins.load(Settings.load(environ={}, plugins=()), plugins)
    teller = Teller.of(loaded._manager.hook, store, poll=0.01)
    assert teller is not None
    task = asyncio.create_task(teller.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _until(is_so: Any, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_hook_on_audit_is_told_in_the_order_of_the_chain(settings: Settings) -> None:
    listener = Listener()
    async with Store(settings=settings) as store, _telling(store, listener):
        await _begun(store)
        for number in range(250):
            store.ledger.trail.note(entry(number))
        await store.audit.record("key.create")
        await _until(lambda: len(listener.heard) == 251)

    assert listener.heard == list(range(1, 252))


async def test_hook_on_audit_that_fails_keeps_nobody_from_hearing(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    failing, other = Listener(fails_at=2), Listener()
    other.name = "other"
    async with Store(settings=settings) as store, _telling(store, failing, other):
        await _begun(store)
        await append(settings, *map(entry, range(4)))
        await _until(lambda: len(other.heard) == 4)

    assert failing.heard == other.heard == [1, 2, 3, 4]
    assert "plugin 'listener': on_audit failed" in caplog.text


async def test_hook_on_audit_goes_on_where_it_stopped(settings: Settings) -> None:
    first, second = Listener(), Listener()
    async with Store(settings=settings) as store:
        await append(settings, entry(0))  # from before there was a sink
        async with _telling(store, first):
            await _begun(store)
            await append(settings, entry(1))
            await _until(lambda: first.heard == [2])
            await asyncio.sleep(0.05)
        await append(settings, entry(2))
    async with Store(settings=settings) as store:
        await _expire(store)
        async with _telling(store, second):
            await _until(lambda: 3 in second.heard)

    assert second.heard == [3]


async def test_hook_on_audit_is_told_by_one_host_at_a_time(settings: Settings, tmp_path: Path) -> None:
    settings = settings.model_copy(update={"audit_key": SecretStr("a key that both of the hosts have")})
    other = settings.model_copy(update={"data_dir": tmp_path / "other"})
    one, two = Listener(), Listener()
    async with (
        Store(settings=settings) as here,
        Store(settings=other) as there,
        _telling(here, one),
        _telling(there, two),
    ):
        await _begun(here)
        await append(settings, *map(entry, range(30)))
        await _until(lambda: len(one.heard) + len(two.heard) == 30)
        await asyncio.sleep(0.1)

    assert sorted([one.heard, two.heard]) == [[], list(range(1, 31))]


async def test_hook_on_audit_may_be_a_plain_function_that_waits(settings: Settings) -> None:
    threads: list[int] = []

    class Plain:
        @hookimpl
        def on_audit(self) -> None:
            threads.append(threading.get_ident())

    async with Store(settings=settings) as store, _telling(store, Plain):
        await _begun(store)
        await append(settings, entry())
        await _until(lambda: bool(threads))

    assert threads[0] != threading.get_ident()


async def test_the_examples_carry_events_to_a_file_and_to_syslog(settings: Settings, tmp_path: Path) -> None:
    from proxystore import ProxyStoreMiddleware
    from proxystore.testing.upstream import FakeUpstream

    path = tmp_path / "audit.jsonl"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as syslog:
        syslog.bind(("127.0.0.1", 0))
        syslog.settimeout(10)
        port = syslog.getsockname()[1]
        given = settings.model_copy(
            update={
                "plugins": (),
                "plugin": {"audit_file": {"path": str(path)}, "audit_syslog": {"host": "127.0.0.1", "port": port}},
            }
        )
        async with Store(settings=given) as store:
            app = ProxyStoreMiddleware(FakeUpstream(), store=store, plugins=(AuditFile, AuditSyslog))
            await call(app, http_scope(), b"{}")
            await _begun(store)
            await store.audit.record("key.create", actor="ada", outcome="denied")
            await _until(path.exists)
            received = (await asyncio.to_thread(syslog.recv, 65_536)).decode()
            await app._keeper.close()

    (line,) = path.read_text().splitlines()
    assert (json.loads(line)["action"], json.loads(line)["actor"]) == ("key.create", "ada")
    assert path.stat().st_mode & 0o777 == 0o600
    assert received.startswith("<36>proxystore: {")  # auth, warning
    assert json.loads(received[received.index("{") :].rstrip("\0")) == json.loads(line)


async def _begun(store: Store) -> None:
    """Wait until somebody tells: what comes from then on is told."""
    from proxystore.repositories.audit.told import _FIND

    async with asyncio.timeout(10):
        while await store.database.fetch_one(_FIND) is None:
            await asyncio.sleep(0.01)


async def _expire(store: Store) -> None:
    """Let the time pass after which another host goes on."""
    import msgspec

    from proxystore.repositories.audit.told import _FIND, _SWAP

    text = await store.database.fetch_one(_FIND)
    assert text is not None
    seq, owner, _ = msgspec.json.decode(text).values()
    from datetime import UTC, datetime

    after = msgspec.json.encode({"seq": seq, "owner": owner, "until": 0.0}).decode()
    assert await store.database.execute(_SWAP, before=text, after=after, now=datetime.now(UTC))
