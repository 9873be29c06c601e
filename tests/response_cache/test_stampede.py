"""The same question, many times at once: one asks the proxy, the others wait for its answer."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from proxystore import Denial, hookimpl
from proxystore.cache import Spaces, flights
from tests.response_cache.world import CHAT, EVENTS, answer, ask, event, part, said, wrapped

STREAM = CHAT | {"stream": True}


async def _start(count: int, app, proxy, *, body=CHAT, **how):
    """Have *count* requests wait for the first."""
    tasks = [asyncio.create_task(ask(app, body, **how)) for _ in range(count)]
    await proxy.arrived.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    return tasks


async def test_one_asks_and_the_others_wait(plain, proxy):
    proxy.gate = asyncio.Event()
    async with wrapped(plain, proxy) as (_, app):
        tasks = await _start(100, app, proxy)
        proxy.gate.set()
        answers = await asyncio.gather(*tasks)

    assert proxy.count == 1
    assert len({each.body for each in answers}) == 1
    assert sorted(said(each) for each in answers) == ["HIT"] * 99 + ["MISS"]
    assert answers[-1].headers[b"cache-status"] == b"proxystore; fwd=miss; collapsed"


async def test_streams_are_waited_for_too(plain, proxy):
    proxy.gate, proxy.headers = asyncio.Event(), [EVENTS]
    proxy.chunks = [part("hel"), part("lo", "stop"), event("[DONE]")]
    async with wrapped(plain, proxy) as (_, app):
        tasks = await _start(10, app, proxy, body=STREAM)
        proxy.gate.set()
        answers = await asyncio.gather(*tasks)

    assert proxy.count == 1
    assert {tuple(filter(None, each.chunks)) for each in answers} == {tuple(proxy.chunks)}


async def test_nobody_waits_for_what_the_proxy_does_in_the_background(plain, proxy):
    done, asked = asyncio.Event(), asyncio.Event()

    async def busy(scope, receive, send):
        await proxy(scope, receive, send)
        asked.set()
        await done.wait()

    async with wrapped(plain, busy) as (_, app):
        first = asyncio.create_task(ask(app))
        await asked.wait()
        assert said(await asyncio.wait_for(ask(app), 10)) == "HIT"
        done.set()
        assert said(await first) == "MISS"


@pytest.mark.parametrize(("status", "body"), [(500, answer()), (200, answer(reason="tool_calls"))])
async def test_when_the_first_one_fails_all_ask_for_themselves(plain, proxy, status, body):
    proxy.gate, proxy.status, proxy.chunks = asyncio.Event(), status, [body]
    async with wrapped(plain, proxy) as (_, app):
        tasks = await _start(10, app, proxy)
        proxy.gate.set()
        answers = await asyncio.gather(*tasks)

    assert proxy.count == 10
    assert {each.status for each in answers} == {status}


async def test_when_the_first_one_leaves_the_next_one_asks(plain, proxy):
    proxy.gate = asyncio.Event()
    async with wrapped(plain, proxy) as (_, app):
        first, *others = await _start(10, app, proxy)
        proxy.arrived.clear()
        first.cancel()
        await proxy.arrived.wait()
        proxy.gate.set()
        answers = await asyncio.gather(*others)

    assert proxy.count == 2
    assert sorted(said(each) for each in answers) == ["HIT"] * 8 + ["MISS"]


async def test_when_the_proxy_breaks_nobody_waits_in_vain(plain, proxy):
    proxy.gate, proxy.error = asyncio.Event(), RuntimeError("broken")
    async with wrapped(plain, proxy) as (_, app):
        tasks = await _start(10, app, proxy)
        proxy.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)

    assert proxy.count == 10
    assert {type(each) for each in results} == {RuntimeError}


async def test_when_the_first_one_is_refused_the_next_one_is_asked_for(plain, proxy):
    class Limits:
        name = "limits"
        count = 0

        @hookimpl(trylast=True)
        async def on_request(self, exchange):
            self.count += 1
            await asyncio.sleep(0)
            return Denial(status=429, code="rate_limit_exceeded", message="No.") if self.count == 1 else None

    async with wrapped(plain, proxy, Limits) as (_, app):
        answers = await asyncio.gather(*(ask(app) for _ in range(10)))

    assert proxy.count == 1
    assert sorted(each.status for each in answers) == [200] * 9 + [429]


async def test_waiting_has_a_bound(plain, proxy):
    proxy.gate = asyncio.Event()
    async with wrapped(plain, proxy, wait=0) as (_, app):
        tasks = await _start(3, app, proxy)
        while proxy.count < 3:
            await asyncio.sleep(0)
        proxy.gate.set()
        await asyncio.gather(*tasks)

    assert proxy.count == 3


async def test_different_questions_and_tenants_do_not_wait_for_each_other(plain, proxy):
    proxy.gate = asyncio.Event()
    async with wrapped(plain, proxy) as (_, app):
        tasks = await _start(1, app, proxy)
        tasks += [asyncio.create_task(ask(app, CHAT | {"n": 2})), asyncio.create_task(ask(app, who="a@x"))]
        while proxy.count < 3:
            await asyncio.sleep(0)
        proxy.gate.set()
        await asyncio.gather(*tasks)


async def test_who_wants_a_new_answer_does_not_wait(plain, proxy):
    proxy.gate = asyncio.Event()
    async with wrapped(plain, proxy) as (_, app):
        tasks = await _start(1, app, proxy)
        tasks.append(asyncio.create_task(ask(app, wish="no-cache, max-age=60")))
        while proxy.count < 2:
            await asyncio.sleep(0)
        proxy.gate.set()
        await asyncio.gather(*tasks)


async def test_other_process_is_waited_for_until_it_dies(tmp_path):
    spaces = Spaces(tmp_path)
    one = spaces.space("answers").flights
    await spaces.space("answers").open()
    program = (
        "import fcntl, os, sys; file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT);"
        "fcntl.lockf(file, fcntl.LOCK_EX, 1, int(sys.argv[2])); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, tmp_path / "answers.flights", str(flights._place(b"k" * 32))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:  # noqa: ASYNC220
        assert other.stdout.readline() == b"held\n"
        assert one.lead(b"k" * 32) is None
        other_key = one.lead(b"j" * 32)
        assert other_key is not None
        following = asyncio.create_task(one.follow(b"k" * 32, 30))
        await asyncio.sleep(0)
        other.kill()

        assert await following
    mine = one.lead(b"k" * 32)
    assert mine is not None
    assert one.lead(b"k" * 32) is None
    assert not await one.follow(b"k" * 32, 0)
    mine.end(is_hopeless=True)
    mine.end()
    assert await one.follow(b"k" * 32, 0)
    await spaces.close()


async def test_flight_that_nobody_ended_is_forgotten(tmp_path, monkeypatch):
    spaces = Spaces(tmp_path)
    one = spaces.space("answers").flights
    assert one.lead(b"key") is not None
    assert one.lead(b"key") is None
    monkeypatch.setattr(flights, "_FORGOTTEN", -1.0)
    assert one.lead(b"key") is not None
    await spaces.close()


async def test_without_a_file_each_process_asks_for_itself(tmp_path):
    (tmp_path / "answers.flights").mkdir()
    spaces = Spaces(tmp_path)
    one = spaces.space("answers").flights
    flight = one.lead(b"key")
    assert flight is not None
    assert one.lead(b"key") is None
    flight.end()
    await spaces.close()


async def test_an_answer_that_was_asked_for_before_a_purge_is_not_kept(plain, proxy):
    proxy.gate = asyncio.Event()
    async with wrapped(plain, proxy) as (store, app):
        (asked,) = await _start(1, app, proxy)
        assert await store.cache.space("responses").purge() == 0
        proxy.gate.set()

        assert said(await asked) == "MISS"
        assert said(await ask(app)) == "MISS"
        assert said(await ask(app)) == "HIT"
