"""``proxystore forward``: in front of what is not ASGI, on real sockets."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxystore.testing.serving import serving
from proxystore.testing.upstream import FakeUpstream
from tests import born
from tests.cli.conftest import Invoke
from tests.cli.served import COMMAND, recorded, running, use

_CANARY = "cAnArY"


@pytest.fixture(name="fake")
def _fake() -> FakeUpstream:
    return FakeUpstream()


@pytest.fixture(name="upstream")
def _upstream(fake: FakeUpstream) -> Iterator[str]:
    with serving(fake) as url:
        yield url


@pytest.mark.xdist_group("clients")
def test_what_is_forwarded_is_recorded(
    upstream: str, fake: FakeUpstream, database_url: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXYSTORE_DATA_DIR", str(place / "data"))
    secret = upstream.replace("//", f"//me:{_CANARY}@")
    options = ("--connect-timeout", "5s", "--read-timeout", "1m", "--max-connections", "8")
    with running("forward", secret, *options, "--database", database_url, "--", "--no-access-log") as served:
        use(served.url)
        answer = httpx.get(f"{served.url}/v1/models", headers={"x-forwarded-for": "192.0.2.1"})

    assert served.process.returncode == 0, served.said
    assert f"upstream: {upstream.replace('//', '//***@')}" in served.said
    assert not [line for line in served.said if _CANARY in line or "/v1/models" in line]
    assert answer.headers.get_list("server") == ["uvicorn"]
    assert len(answer.headers.get_list("date")) == 1
    assert fake.seen[-1].headers[b"x-forwarded-for"] == b"192.0.2.1, 127.0.0.1"
    assert fake.seen[-1].headers[b"authorization"].startswith(b"Basic ")
    events = recorded(database_url)
    assert [(event.request_model, event.output_tokens) for event in events] == [("gpt-4o", 9)] * 2


@pytest.mark.xdist_group("clients")
def test_workers_forward_alike(upstream: str, place: Path) -> None:
    url = f"sqlite:///{place}/mine.db"
    words = ("--workers", "2", f"--database={url}", "--log-format", "json", "--plugin", "usage")
    with running("forward", *words, PROXYSTORE_FORWARD_URL=upstream) as served:
        use(served.url)

    lines = [json.loads(line) for line in served.said if line.startswith("{")]
    assert sum("Application startup complete" in line["message"] for line in lines) == 2
    assert len(recorded(url)) == 2


def test_an_upstream_that_is_away_is_told_in_the_apis_words(place: Path) -> None:
    with running("forward", "http://127.0.0.1:1") as served:
        answer = httpx.post(f"{served.url}/v1/chat/completions", json={"model": "gpt-4o"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_unavailable")
    assert any("http://127.0.0.1:1: The upstream cannot be reached" in line for line in served.said)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_an_upstream_that_breaks_off_is_told_in_one_line(place: Path, log_format: str) -> None:
    async def break_off(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})

    with (
        serving(break_off) as url,
        running("forward", url, "--log-format", log_format) as served,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        httpx.get(f"{served.url}/v1/models")

    assert len([line for line in served.said if f"{url}: The upstream broke off" in line]) == 1
    assert not [line for line in served.said if "Traceback" in line or "UpstreamBrokeOff" in line]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "say where to forward to: proxystore forward URL, or PROXYSTORE_FORWARD_URL"),
        (["localhost:11434"], "PROXYSTORE_FORWARD_URL may be http://host:port or https://host"),
        ([f"ftp://me:{_CANARY}@host/"], "PROXYSTORE_FORWARD_URL may be http://host:port or https://host"),
        (["http://host/?a=1"], "PROXYSTORE_FORWARD_URL may have neither a query nor a fragment"),
        (["http://host", "--read-timeout", "soon"], "PROXYSTORE_FORWARD_READ_TIMEOUT may be seconds"),
        (["http://localhost:8000"], "http://localhost:8000 is where this proxy would listen itself: give it another"),
        (["http://host:80", "--host", "host", "--port", "80"], "http://host is where this proxy would listen itself"),
        (["http://host", "--plugin", "nowhere:Nobody"], "plugin 'nowhere:Nobody': cannot be loaded"),
    ],
)
def test_what_cannot_be_forwarded_is_told_in_one_line(place: Path, words: list[str], sentence: str) -> None:
    done = born.run([*COMMAND, "forward", *words], capture_output=True, text=True, check=False, env=os.environ)

    assert done.returncode == 1
    assert [line[: len(sentence) + 7] for line in done.stderr.splitlines()] == [f"error: {sentence}"]
    assert _CANARY not in done.stdout + done.stderr


def test_without_the_extra_it_says_what_to_install(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    find: Any = importlib.util.find_spec
    monkeypatch.setattr("proxystore.cli.forward.find_spec", lambda name: None if name == "aiohttp" else find(name))
    result = invoke("forward", "http://127.0.0.1:11434")

    assert result.exit_code == 1
    assert result.stderr == "error: forwarding needs aiohttp: pip install 'asgi-proxystore[forward]'\n"


@pytest.mark.parametrize("words", [["--workers", "0"], ["--max-connections", "0"], ["--port", "-1"]])
def test_a_wrong_use_exits_with_two(invoke: Invoke, words: list[str]) -> None:
    assert invoke("forward", *words).exit_code == 2
