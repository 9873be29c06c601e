"""The kit, as authors of plugins use it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from proxystore import Answer, Denial, Exchange, Principal, Store, Usage, hookimpl
from proxystore.testing.clock import FakeClock
from proxystore.testing.exchanges import exchange_of

_CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "one two three"}]}


class Counter:
    """Implements hooks of each kind, plain and not."""

    name = "counter"

    def __init__(self) -> None:
        self.tokens = 0
        self.is_open = False

    @property
    def odd(self) -> str:
        raise AssertionError("properties are left alone")

    @hookimpl
    async def on_startup(self, store: Store) -> None:
        self.is_open = store.is_open

    @hookimpl
    def on_auth(self) -> Principal:
        return Principal(key_id="key_7")

    @hookimpl
    async def on_request(self, exchange: Exchange) -> Answer | Denial | None:
        if exchange.request.header(b"x-please") is None:
            return Denial(status=403, code="rude", message="Say please.")
        return None

    @hookimpl
    def on_usage(self, exchange: Exchange) -> None:
        self.tokens += exchange.usage.output_tokens


async def test_what_happened_to_an_exchange_can_be_asked(proxystore_wrap, proxystore_upstream) -> None:
    counter = Counter()
    async with proxystore_wrap("usage", counter) as wrapped:
        answered = await wrapped.call("/v1/chat/completions", _CHAT, headers={"X-Please": "1"})
        (event,) = await wrapped.usage()

    assert answered.status == 200
    assert [seen.path for seen in proxystore_upstream.seen] == ["/v1/chat/completions"]
    assert (event.key_id, event.output_tokens) == ("key_7", counter.tokens)
    assert counter.is_open
    assert [exchange.usage.output_tokens for exchange in wrapped.exchanges] == [counter.tokens]
    assert wrapped.hooks("counter") == ["on_startup", "on_auth", "on_request", "on_usage"]
    assert wrapped.fired.index(("on_request", "usage")) < wrapped.fired.index(("on_request", "counter"))


async def test_a_refusal_reaches_no_application(proxystore_wrap, proxystore_upstream) -> None:
    async with proxystore_wrap(Counter) as wrapped:
        refused = await wrapped.call("/v1/chat/completions", _CHAT)

    assert refused.status == 403
    assert proxystore_upstream.seen == []
    assert [(each.outcome, each.decided_by) for each in wrapped.exchanges] == [("refused", "counter")]


async def test_a_setting_is_a_keyword(proxystore_wrap) -> None:
    async with proxystore_wrap(max_body_bytes=10) as wrapped:
        assert (await wrapped.call("/v1/chat/completions", _CHAT)).status == 413


async def test_a_house_that_does_not_open_says_why(proxystore_wrap) -> None:
    class Lazy:
        @hookimpl
        async def on_startup(self) -> None:
            raise ValueError("not today")

    with pytest.raises(RuntimeError, match=r"lazy.*not today"):
        async with proxystore_wrap(Lazy):
            pass


async def test_an_exchange_can_be_had_without_a_server() -> None:
    usage = Usage(output_tokens=3, quality="reported")
    exchange = await exchange_of(body=_CHAT, principal=Principal(key_id="key_1"), usage=usage, status=201)

    counter = Counter()
    counter.on_usage(exchange)

    assert (counter.tokens, exchange.response.status) == (3, 201)
    assert exchange.request.call.request_model == "gpt-4o"


def test_the_clock_moves_only_when_told(proxystore_clock: FakeClock) -> None:
    before = proxystore_clock.time_ns(), proxystore_clock.monotonic(), proxystore_clock.now

    proxystore_clock.advance(1.5)
    assert proxystore_clock.time_ns() - before[0] == 1_500_000_000
    assert proxystore_clock.monotonic() - before[1] == 1.5

    proxystore_clock.jump(-3600)
    assert proxystore_clock.monotonic() - before[1] == 1.5
    assert (proxystore_clock.now - before[2]).total_seconds() == 1.5 - 3600


def test_pytest_alone_imports_next_to_nothing_of_ours() -> None:
    program = (
        "import sys, proxystore.testing.pytest_plugin; print(*(n for n in sys.modules if n.startswith('proxystore')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    ours = ["proxystore", "proxystore._foreign", "proxystore.testing", "proxystore.testing.pytest_plugin"]
    assert sorted(done.stdout.split()) == ours


def test_the_page_shows_a_test_that_passes(tmp_path: Path) -> None:
    page = Path("docs/testing.md").read_text(encoding="utf-8")
    (tmp_path / "test_counter.py").write_text(page.split("```python\n")[1].split("```")[0], encoding="utf-8")

    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
