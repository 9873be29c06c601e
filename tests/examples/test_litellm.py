"""LiteLLM's proxy, wrapped in its own environment: ``tox -e litellm``."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from proxystore.testing.serving import serving
from proxystore.testing.upstream import ANSWER, FakeUpstream
from tests.examples.conftest import SAID, Events, chat, stream
from tests.servers.world import proxystore_run, running

_PLACE = Path(__file__).parents[2] / "examples" / "litellm"
_MASTER_KEY = f"sk-{secrets.token_hex(16)}"


@pytest.fixture(name="upstream")
def _upstream() -> FakeUpstream:
    return FakeUpstream()


@pytest.fixture(name="url")
def _url(environ: dict[str, str], upstream: FakeUpstream) -> Iterator[str]:
    """LiteLLM, served as `examples/README.md` says."""
    with serving(upstream) as upstream_url:
        theirs = {
            "CONFIG_FILE_PATH": "config.yaml",
            "LITELLM_MASTER_KEY": _MASTER_KEY,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "UPSTREAM_URL": f"{upstream_url}/v1",
            "UPSTREAM_API_KEY": "sk-upstream",
            "PROXYSTORE_APP_AUTHORIZATION": f"Bearer {_MASTER_KEY}",
            "PROXYSTORE_UNKNOWN_PATHS": "refuse",
        }
        kind = proxystore_run("litellm.proxy.proxy_server:app")
        with running(kind, {**environ, **theirs}, _PLACE) as server:
            yield server.url


def test_litellm_serves_keys_of_ours_and_its_own_beside_them(
    url: str, key: str, upstream: FakeUpstream, events: Events
) -> None:
    assert chat(url, key) == ANSWER
    assert stream(url, key) == ANSWER
    asked = {"model": "gpt-4o", "messages": []}
    theirs = {"x-proxystore-key": key, "authorization": "Bearer sk-unknown"}
    unknown_there = httpx.post(f"{url}/v1/chat/completions", json=asked, headers=theirs)
    unknown_here = httpx.post(f"{url}/v1/chat/completions", json=asked)

    # A LiteLLM without a database has nowhere to look for keys of its own; newer ones say so with 400.
    assert unknown_there.status_code in (400, 401)
    assert "psk_" not in unknown_there.text
    assert unknown_here.status_code == 401
    assert unknown_here.json()["error"]["code"] == "missing_api_key"
    keys = {seen.headers[b"authorization"] for seen in upstream.seen if seen.path == "/v1/chat/completions"}
    assert keys == {b"Bearer sk-upstream"}
    assert [
        (event.request_model, event.status, event.outcome, event.input_tokens, event.output_tokens)
        for event in events()
    ] == [
        ("gpt-4o", 200, "complete", 4, 9),
        ("gpt-4o", 200, "complete", 4, 9),
        ("gpt-4o", unknown_there.status_code, "failed", 0, 0),
    ]


def test_litellm_and_we_reckon_the_same_cost(url: str, key: str, events: Events) -> None:
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": SAID}]}
    answer = httpx.post(
        f"{url}/v1/chat/completions", json=asked, headers={"authorization": f"Bearer {key}"}, timeout=60
    )

    assert answer.status_code == 200, answer.text
    theirs = float(answer.headers["x-litellm-response-cost"])
    assert [event.cost_nanousd for event in events()] == [round(theirs * 10**9)]
