"""``proxystore.asgi:app``: the application that PROXYSTORE_APP names."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from proxystore import ProxyStoreMiddleware, Settings
from proxystore.asgi.named import NamedApp
from proxystore.testing.asgi import call, exchange_messages, http_scope, websocket_scope

_STARTUP = {"type": "lifespan.startup"}


@pytest.fixture(name="named")
def _named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], NamedApp]:
    def name(app: str, **more: str) -> NamedApp:
        told = {"APP": app, "DATABASE_URL": f"sqlite:///{tmp_path}/proxystore.db", **more}
        for variable, value in told.items():
            monkeypatch.setenv(f"PROXYSTORE_{variable}", value)
        return NamedApp()

    return name


async def _start(app: NamedApp) -> list[dict]:
    return await exchange_messages(app, {"type": "lifespan"}, [_STARTUP, {"type": "lifespan.shutdown"}])


async def test_the_named_application_is_wrapped_when_it_is_called(named):
    app = named("tests.servers.gateway:app")

    assert [message["type"] for message in await _start(app)] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert isinstance(app._app, ProxyStoreMiddleware)


async def test_a_factory_is_called(named):
    app = named("proxystore.testing.upstream:FakeUpstream", APP_FACTORY="true")

    assert (await _start(app))[0]["type"] == "lifespan.startup.complete"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "PROXYSTORE_APP must name the application to wrap, such as mygateway:app"),
        ("gateway", "PROXYSTORE_APP may be MODULE:APP, such as mygateway:app"),
        ("tests.servers.gateway:ap", "tests.servers.gateway:ap: 'tests.servers.gateway' has no 'ap'"),
        ("proxystore.asgi:app", "proxystore.asgi:app is this wrapper itself: PROXYSTORE_APP must name the"),
        ("no_such_gateway:app", "no_such_gateway:app: there is no module 'no_such_gateway'"),
    ],
)
async def test_what_cannot_be_loaded_is_told_to_the_server(named, name, sentence):
    (message,) = await _start(named(name))

    assert message["type"] == "lifespan.startup.failed"
    assert message["message"].startswith(sentence)


async def test_what_nobody_foresaw_is_told_as_well(named, monkeypatch):
    def explode(*arguments, **more):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(Settings, "load", explode)

    assert (await _start(named("")))[0] == {"type": "lifespan.startup.failed", "message": "out of luck"}


async def test_a_dependency_that_cannot_be_imported_is_told_as_well(named, monkeypatch):
    monkeypatch.setitem(sys.modules, "proxystore.asgi.serving", None)

    (message,) = await _start(named("tests.servers.gateway:app"))

    assert message["type"] == "lifespan.startup.failed"
    assert "proxystore.asgi.serving" in message["message"]


async def test_without_lifespan_nothing_to_serve_gives_503(named, caplog):
    app = named("")
    sent = await call(app, http_scope(), b"{}")
    closed = await exchange_messages(app, websocket_scope(), [{"type": "websocket.connect"}])

    assert sent.status == 503
    assert b'"store_unavailable"' in sent.body
    assert closed[0]["type"] == "websocket.close"
    assert "PROXYSTORE_APP must name" in caplog.text


def test_importing_it_loads_next_to_nothing(tmp_path):
    heavy = "import sys, proxystore.asgi; print({'sqlalchemy', 'pydantic', 'typer', 'alembic'} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", heavy], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PROXYSTORE_NONSENSE": "1"},
    )  # fmt: skip

    assert (done.stdout, done.stderr) == ("set()\n", "")
    assert not list(tmp_path.iterdir())
