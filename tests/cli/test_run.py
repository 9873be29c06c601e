"""``proxystore run``: somebody else's application, on real sockets."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from websockets.asyncio.client import connect

from proxystore.testing.serving import serving
from proxystore.testing.upstream import FakeUpstream
from tests import born
from tests.cli.conftest import Invoke
from tests.cli.served import COMMAND, recorded, running, use

_THEIRS: Final = """
    import asyncio
    import os
    from fastapi_proxy_lib.fastapi.app import reverse_http_app

    class Tracer:
        def __init__(self):
            print("tracer loaded", flush=True)

    def make():
        return reverse_http_app(base_url=os.environ["UPSTREAM"] + "/")

    app = make()

    async def endless(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"once ", "more_body": True})
        await asyncio.Event().wait()

    async def echo(scope, receive, send):
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            said = await receive()
            await send({"type": "websocket.send", "text": said["text"]})
            await receive()

    async def wsgi(environ, start_response): ...
    class Application: ...
    text = "app"
    """


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


@pytest.mark.xdist_group("clients")
def test_an_application_of_somebody_else_is_served_and_recorded(
    theirs: Path, upstream: str, database_url: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXYSTORE_DATA_DIR", str(place / "data"))
    words = ("their_gateway:app", "--app-dir", str(theirs), "--database", database_url, "--", "--no-date-header")
    with running("run", *words, UPSTREAM=upstream) as served:
        use(served.url)
        assert "date" not in httpx.get(f"{served.url}/_proxystore/live").headers

    assert served.process.returncode == 0, served.said
    assert served.said[0].startswith("database: ")
    events = recorded(database_url)
    assert [event.request_model for event in events] == ["gpt-4o", "gpt-4o"]
    assert [event.output_tokens for event in events] == [9, 9]


def test_a_server_that_is_told_to_stop_waits_for_answers_as_long_as_its_grace(theirs: Path, place: Path) -> None:
    url = f"sqlite:///{place}/mine.db"
    words = ("their_gateway:endless", "--app-dir", str(theirs), "--database", url)
    with running("run", *words, UPSTREAM="http://nowhere", PROXYSTORE_SHUTDOWN_GRACE="0.2") as served:
        client = httpx.Client()
        response = client.send(client.build_request("POST", f"{served.url}/slow"), stream=True)
        chunks = response.iter_raw()
        assert next(chunks) == b"once "

    with pytest.raises(httpx.RemoteProtocolError):
        next(chunks)
    client.close()
    assert [event.outcome for event in recorded(url)] == ["disconnected"]


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_no_log_line_has_what_a_websocket_is_opened_with(theirs: Path, place: Path, log_format: str) -> None:
    url = f"sqlite:///{place}/mine.db"
    words = ("their_gateway:echo", "--app-dir", str(theirs), "--database", url, "--log-format", log_format)
    with running(
        "run", *words, "--", "--log-level", "trace", UPSTREAM="http://nowhere", PROXYSTORE_KEY_HEADER="x-key"
    ) as served:
        address = served.url.replace("http", "ws")
        headers = dict.fromkeys(("x-api-key", "x-key", "authorization"), "cAnArY")
        async with connect(f"{address}/live?key=cAnArY", additional_headers=headers) as client:
            await client.send("a cAnArY, too")
            assert await client.recv() == "a cAnArY, too"

    said = "\n".join(served.said)
    assert "WebSocket /live" in said
    assert "cAnArY" not in said


@pytest.mark.xdist_group("clients")
def test_workers_serve_alike(theirs: Path, upstream: str, place: Path) -> None:
    url = f"sqlite:///{place}/mine.db"
    words = ("their_gateway:make", "--factory", "--workers", "2", "--app-dir", str(theirs), f"--database={url}")
    with running("run", *words, UPSTREAM=upstream) as served:
        use(served.url)

    assert sum("Application startup complete" in line for line in served.said) == 2
    assert len(recorded(url)) == 2


@pytest.mark.xdist_group("clients")
def test_what_the_command_line_says_reaches_the_workers(theirs: Path, upstream: str, place: Path) -> None:
    (place / "mine.toml").write_text(f'database_url = "sqlite:///{place}/from-file.db"\n')
    words = ("their_gateway:app", "--app-dir", str(theirs), "--config", "mine.toml", "--log-format", "json")
    with running("run", *words, "--plugin", "their_gateway:Tracer", "--reload", UPSTREAM=upstream) as served:
        use(served.url)

    lines = [json.loads(line) for line in served.said if line.startswith("{")]
    paths = [line["path"] for line in lines if line["logger"] == "uvicorn.access"]
    assert paths.count("/v1/chat/completions") == 2
    assert "tracer loaded" in served.said
    assert len(recorded(f"sqlite:///{place}/from-file.db")) == 2


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
    done = born.run(
        [*COMMAND, "run", *words, *where, "--port", "0"],
        capture_output=True, text=True, check=False, env={**os.environ, "UPSTREAM": "http://127.0.0.1:1"},
    )  # fmt: skip

    said = [line for line in done.stderr.splitlines() if not line.startswith("database: ")]
    assert done.returncode == 1
    assert [line[: len(sentence) + 7] for line in said] == [f"error: {sentence}"]


def test_a_plugin_that_is_added_may_have_settings(theirs: Path) -> None:
    added = textwrap.dedent("""\
        from pydantic import BaseModel

        class Careful:
            class Settings(BaseModel):
                size: int

            def __init__(self, settings: Settings) -> None:
                print(f"careful to {settings.size}", flush=True)
    """)
    (theirs / "careful.py").write_text(added)
    done = born.run(
        [*COMMAND, "run", "absent_gateway:app", "--app-dir", str(theirs), "--plugin", "careful:Careful"],
        capture_output=True, text=True, check=False, env={**os.environ, "PROXYSTORE_CAREFUL__SIZE": "3"},
    )  # fmt: skip

    assert "careful to 3" in done.stdout
    assert "there is no module 'absent_gateway'" in done.stderr


@pytest.mark.parametrize(
    "words",
    [["gateway.app"], ["a:b", "--reload", "--workers", "2"], ["a:b", "--workers", "0"], ["a:b", "--port", "-1"]],
)
def test_a_wrong_use_exits_with_two(invoke: Invoke, words: list[str]) -> None:
    assert invoke("run", *words).exit_code == 2


def test_an_option_that_uvicorn_does_not_know_exits_with_two(theirs: Path) -> None:
    done = born.run(
        [*COMMAND, "run", "their_gateway:app", "--app-dir", str(theirs), "--", "--nonsense"],
        capture_output=True, text=True, check=False, env={**os.environ, "UPSTREAM": "http://127.0.0.1:1"},
    )  # fmt: skip

    assert done.returncode == 2
    assert "--nonsense" in done.stderr
