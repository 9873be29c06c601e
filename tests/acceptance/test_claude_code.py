"""The environment that docs/claude-code.md gives Claude Code, given to the client it is built on."""

from __future__ import annotations

import asyncio

import anthropic
import pytest

from proxystore import ProxyStoreMiddleware, Settings, Store
from proxystore.testing.serving import serving
from proxystore.testing.upstream import ANSWER, FakeUpstream

_MODEL = "claude-haiku-4-5"


@pytest.fixture(name="settings")
def _settings(migrated_url, tmp_path):
    return Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data", auth="off")


def _events(settings):
    async def read():
        async with Store(settings=settings) as store:
            assert await store.ledger.drain(10)
            return await store.usage.list(limit=100)

    return asyncio.run(read())


@pytest.mark.parametrize(
    ("environment", "arrives"),
    [
        ({"ANTHROPIC_AUTH_TOKEN": "theirs"}, {b"authorization": b"Bearer theirs"}),
        ({"ANTHROPIC_API_KEY": "theirs"}, {}),
        (
            {"ANTHROPIC_AUTH_TOKEN": "theirs", "ANTHROPIC_CUSTOM_HEADERS": "x-team: search\nx-trace: 7"},
            {b"authorization": b"Bearer theirs", b"x-team": b"search", b"x-trace": b"7"},
        ),
    ],
)
def test_what_is_not_ours_arrives_untouched(settings, monkeypatch, environment, arrives):
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    upstream = FakeUpstream()
    with serving(ProxyStoreMiddleware(upstream, settings=settings)) as base:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", base)
        with anthropic.Anthropic(max_retries=0) as client:
            messages = [{"role": "user", "content": "hello there"}]
            client.messages.count_tokens(model=_MODEL, messages=messages)
            with client.messages.stream(model=_MODEL, max_tokens=99, messages=messages) as stream:
                assert stream.get_final_text() == ANSWER

    for seen in upstream.seen:
        assert arrives.items() <= seen.headers.items()
        places = (b"authorization", b"x-api-key")  # of a key, the client's major version decides where it stands
        assert [seen.headers[name][-6:] for name in places if name in seen.headers] == [b"theirs"]
    counted, answered = _events(settings)[::-1]
    assert (counted.operation_name, counted.input_tokens, counted.quality) == ("count_tokens", 0, "reported")
    assert (answered.request_model, answered.input_tokens, answered.output_tokens) == (_MODEL, 2, 9)
