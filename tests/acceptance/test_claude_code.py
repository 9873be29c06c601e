"""The environment that docs/claude-code.md gives Claude Code, given to the client it is built on."""

from __future__ import annotations

import asyncio

import pytest

from proxystore import ProxyStoreMiddleware, Settings, Store
from proxystore.testing.serving import serving
from proxystore.testing.upstream import ANSWER, FakeUpstream
from tests import clients

pytestmark = pytest.mark.xdist_group("clients")

_MODEL = "claude-haiku-4-5"
_VARIABLES = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS")


@pytest.fixture(name="settings")
def _settings(migrated_url, tmp_path):
    return Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data", auth="require")


@pytest.fixture(name="key")
def _key(settings):
    async def create():
        async with Store(settings=settings) as store:
            return await store.keys.create(name="claude code")

    return asyncio.run(create())


def _events(settings):
    async def read():
        async with Store(settings=settings) as store:
            assert await store.ledger.drain(10)
            return await store.usage.list(limit=100)

    return asyncio.run(read())


def _ask(monkeypatch, base, environment):
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**environment, "ANTHROPIC_BASE_URL": base}.items():
        monkeypatch.setenv(name, value)
    with clients.anthropic.Anthropic(max_retries=0) as client:
        messages = [{"role": "user", "content": "hello there"}]
        client.messages.count_tokens(model=_MODEL, messages=messages)
        with client.messages.stream(model=_MODEL, max_tokens=99, messages=messages) as stream:
            assert stream.get_final_text() == ANSWER


@pytest.mark.parametrize(
    ("environment", "arrives"),
    [
        pytest.param({"ANTHROPIC_AUTH_TOKEN": "{key}"}, {}, id="with a key"),
        pytest.param({"ANTHROPIC_API_KEY": "{key}"}, {}, id="with a key as an API key"),
        pytest.param(
            {"ANTHROPIC_AUTH_TOKEN": "theirs", "ANTHROPIC_CUSTOM_HEADERS": "x-proxystore-key: {key}\nx-trace: 7"},
            {b"authorization": b"Bearer theirs", b"x-trace": b"7"},
            id="beside a subscription",
        ),
    ],
)
def test_a_key_is_taken_out_and_what_is_not_ours_arrives_untouched(settings, key, monkeypatch, environment, arrives):
    upstream = FakeUpstream()
    with serving(ProxyStoreMiddleware(upstream, settings=settings)) as base:
        _ask(monkeypatch, base, {name: value.format(key=key.secret) for name, value in environment.items()})

    assert len(upstream.seen) == 2
    for seen in upstream.seen:
        assert key.secret.encode() not in b" ".join(seen.headers.values())
        assert {name: seen.headers[name] for name in (b"authorization", b"x-trace") if name in seen.headers} == arrives
    counted, answered = _events(settings)[::-1]
    assert (counted.operation_name, counted.input_tokens, counted.quality) == ("count_tokens", 0, "reported")
    assert (answered.request_model, answered.input_tokens, answered.output_tokens) == (_MODEL, 2, 9)
    assert {counted.key_id, answered.key_id} == {key.record.id}


def test_who_has_no_key_is_told_so_in_anthropics_words(settings, key, monkeypatch):
    app = ProxyStoreMiddleware(FakeUpstream(), settings=settings)
    with serving(app) as base, pytest.raises(clients.anthropic.AuthenticationError) as caught:
        _ask(monkeypatch, base, {"ANTHROPIC_AUTH_TOKEN": "theirs"})

    assert caught.value.body["error"]["type"] == "authentication_error"
