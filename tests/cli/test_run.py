"""``proxystore run``: somebody else's application, on real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from proxystore import Store, UsageEvent
from proxystore.testing.serving import serving
from proxystore.testing.upstream import ANSWER, FakeUpstream
from tests.cli.conftest import Invoke

_COMMAND: Final = (sys.executable, "-c", "import sys; from proxystore.cli import main; main(sys.argv[1:])")
_LONGEST: Final = 60.0
_THEIRS: Final = """
    import os
    from fastapi_proxy_lib.fastapi.app import reverse_http_app

    class Tracer:
        def __init__(self):
            print("tracer loaded", flush=True)

    def make():
        return reverse_http_app(base_url=os.environ["UPSTREAM"] + "/")

    app = make()
    async def wsgi(environ, start_response): ...
    class Application: ...
    text = "app"
    """


class Served(NamedTuple):
    """A process that serves, and what it said once it has ended."""

    url: str
    process: subprocess.Popen[str]
    said: list[str]


@pytest.fixture(name="theirs")
def _theirs(place: Path) -> Path:
    """An application that this project did not write, in a directory of its own."""
    folder = place / "theirs"
    folder.mkdir()
    (folder / "their_gateway.py").write_text(textwrap.dedent(_THEIRS))
    (folder / "broken_gateway.py").write_text("import not_installed_anywhere")
    return folder


@pytest.fixture(name="upstream")
def _upstream() -> Iterator[str]:
    with serving(FakeUpstream()) as url:
        yield url


@contextmanager
def _running(*words: str, **environ: str) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    process = subprocess.Popen(
        [*_COMMAND, "run", *words, "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environ},
    )
    served = Served(f"http://127.0.0.1:{port}", process, [])
    try:
        _wait_until_live(served)
        yield served
    finally:
        process.send_signal(signal.SIGINT)
        served.said.extend(process.communicate(timeout=_LONGEST)[0].splitlines())


def _wait_until_live(served: Served) -> None:
    deadline = time.monotonic() + _LONGEST
    while True:
        try:
            httpx.get(f"{served.url}/_proxystore/live")
        except httpx.TransportError:
            assert served.process.poll() is None, served.process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def _use(url: str) -> None:
    """Chat through the proxy with the official client, whole and streamed."""
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": "how do you do"}]
    with openai.OpenAI(base_url=f"{url}/v1", api_key="theirs", max_retries=0) as client:
        whole = client.chat.completions.create(model="gpt-4o", messages=asked)
        chunks = client.chat.completions.create(model="gpt-4o", messages=asked, stream=True)

        assert whole.choices[0].message.content == ANSWER
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER


def _events(url: str) -> list[UsageEvent]:
    async def read() -> list[UsageEvent]:
        async with Store(url) as store:
            await store.ledger.drain(10)
            return await store.usage.list(limit=10)

    return asyncio.run(read())


def test_an_application_of_somebody_else_is_served_and_recorded(
    theirs: Path, upstream: str, database_url: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXYSTORE_DATA_DIR", str(place / "data"))
    words = ("their_gateway:app", "--app-dir", str(theirs), "--database", database_url, "--", "--no-date-header")
    with _running(*words, UPSTREAM=upstream) as served:
        _use(served.url)
        assert "date" not in httpx.get(f"{served.url}/_proxystore/live").headers

    assert served.process.returncode == 0, served.said
    assert served.said[0].startswith("database: ")
    events = _events(database_url)
    assert [event.request_model for event in events] == ["gpt-4o", "gpt-4o"]
    assert [event.output_tokens for event in events] == [9, 9]


def test_workers_serve_alike(theirs: Path, upstream: str, place: Path) -> None:
    url = f"sqlite:///{place}/mine.db"
    words = ("their_gateway:make", "--factory", "--workers", "2", "--app-dir", str(theirs), f"--database={url}")
    with _running(*words, UPSTREAM=upstream) as served:
        _use(served.url)

    assert sum("Application startup complete" in line for line in served.said) == 2
    assert len(_events(url)) == 2


def test_what_the_command_line_says_reaches_the_workers(theirs: Path, upstream: str, place: Path) -> None:
    (place / "mine.toml").write_text(f'database_url = "sqlite:///{place}/from-file.db"\n')
    words = ("their_gateway:app", "--app-dir", str(theirs), "--config", "mine.toml", "--log-format", "json")
    with _running(*words, "--plugin", "their_gateway:Tracer", "--reload", UPSTREAM=upstream) as served:
        _use(served.url)

    lines = [json.loads(line) for line in served.said if line.startswith("{")]
    paths = [line["path"] for line in lines if line["logger"] == "uvicorn.access"]
    assert paths.count("/v1/chat/completions") == 2
    assert "tracer loaded" in served.said
    assert len(_events(f"sqlite:///{place}/from-file.db")) == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "say which application to serve: proxystore run MODULE:APP, or PROXYSTORE_APP"),
        (["absent_gateway:app"], "absent_gateway:app: there is no module 'absent_gateway'; it is looked for in"),
        (["their_gateway:ap"], "their_gateway:ap: 'their_gateway' has no 'ap'"),
        (["their_gateway:text"], "their_gateway:text is no ASGI application but a str"),
        (["their_gateway:Application"], "their_gateway:Application is no ASGI application but a type"),
        (["their_gateway:make"], "their_gateway:make takes no arguments: is it a factory? Then add --factory"),
        (["their_gateway:wsgi"], "their_gateway:wsgi takes two arguments, as WSGI applications do"),
        (["their_gateway:wsgi", "--factory"], "their_gateway:wsgi was called as a factory and failed: TypeError"),
        (["broken_gateway:app"], "broken_gateway:app: importing 'broken_gateway' failed: ModuleNotFoundError"),
        (["their_gateway:app", "--plugin", "their_gateway:Nobody"], "plugin 'their_gateway:Nobody': cannot be loaded"),
        (["their_gateway:app", "--app-dir", "nowhere"], "--app-dir is nowhere, which is not a directory"),
        (["absent_gateway:app", "--workers", "2"], "absent_gateway:app: there is no module 'absent_gateway'"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_line(theirs: Path, words: list[str], sentence: str) -> None:
    where = [] if "--app-dir" in words else ["--app-dir", str(theirs)]
    done = subprocess.run(
        [*_COMMAND, "run", *words, *where, "--port", "0"],
        capture_output=True, text=True, check=False, env={**os.environ, "UPSTREAM": "http://127.0.0.1:1"},
    )  # fmt: skip

    said = [line for line in done.stderr.splitlines() if not line.startswith("database: ")]
    assert done.returncode == 1
    assert [line[: len(sentence) + 7] for line in said] == [f"error: {sentence}"]


@pytest.mark.parametrize(
    "words",
    [["gateway.app"], ["a:b", "--reload", "--workers", "2"], ["a:b", "--workers", "0"], ["a:b", "--port", "-1"]],
)
def test_a_wrong_use_exits_with_two(invoke: Invoke, words: list[str]) -> None:
    assert invoke("run", *words).exit_code == 2


def test_an_option_that_uvicorn_does_not_know_exits_with_two(theirs: Path) -> None:
    done = subprocess.run(
        [*_COMMAND, "run", "their_gateway:app", "--app-dir", str(theirs), "--", "--nonsense"],
        capture_output=True, text=True, check=False, env={**os.environ, "UPSTREAM": "http://127.0.0.1:1"},
    )  # fmt: skip

    assert done.returncode == 2
    assert "--nonsense" in done.stderr
