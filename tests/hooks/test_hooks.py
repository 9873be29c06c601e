"""Each hook, through the door a plugin author uses."""

from __future__ import annotations

import asyncio

import pytest
import typer
from typer.testing import CliRunner

from proxystore import Answer, Denial, Migrations, PluginError, Principal, Settings, hookimpl
from proxystore.exchange import Exchange, Request
from proxystore.hooks import Plugins
from proxystore.testing.asgi import http_scope
from proxystore.wire import Route
from proxystore.wire.openai import ChatCompletions

_STORE = object()  # chains bind whatever store they are given


def _plugins(*plugins: object) -> Plugins:
    return Plugins.load(Settings.load(environ={}, plugins=()), plugins)


def _exchange() -> Exchange:
    return Exchange(Request(http_scope(), _never, "/v1/chat/completions", Route.of(ChatCompletions(), ""), limit=100))


async def _never():
    raise AssertionError


def _named(name: str, **hooks: object) -> object:
    return type(name, (), {**hooks, "name": name})()


def test_hook_register_commands_adds_to_the_command_line():
    class Greeting:
        @hookimpl
        def register_commands(self, cli: typer.Typer) -> None:
            cli.command()(lambda: typer.echo("hello"))

    cli = typer.Typer()
    _plugins(Greeting).register_commands(cli)
    assert CliRunner().invoke(cli).output == "hello\n"


def test_hook_register_commands_that_raises_names_its_plugin():
    class Broken:
        @hookimpl
        def register_commands(self) -> None:
            raise RuntimeError("no")

    with pytest.raises(PluginError, match="plugin 'broken': register_commands failed"):
        _plugins(Broken).register_commands(typer.Typer())


def test_hook_register_wire_formats_gives_them_in_the_order_of_plugins():
    formats = [ChatCompletions(), ChatCompletions(), ChatCompletions()]
    one = _named("one", register_wire_formats=hookimpl(lambda self: formats[:2]))
    two = _named("two", register_wire_formats=hookimpl(lambda self: formats[2:]))
    one.__class__.register_wire_formats.__name__ = two.__class__.register_wire_formats.__name__ = (
        "register_wire_formats"
    )

    assert _plugins(one, two).wire_formats() == formats


def test_hook_register_migrations_gives_histories():
    class Guestbook:
        @hookimpl
        def register_migrations(self):
            return [history]

    history = Migrations("proxystore_migrations", "guestbook_version")
    assert _plugins(Guestbook).migrations() == [history]


class Life:
    """Notes when it is told what."""

    def __init__(self, name: str, log: list[str], *, is_broken: bool = False) -> None:
        self.name = name
        self._log = log
        self._is_broken = is_broken

    @hookimpl
    async def on_startup(self, store) -> None:
        if self._is_broken:
            raise RuntimeError("no")
        self._log.append(f"{self.name} up")

    @hookimpl
    def on_shutdown(self) -> None:
        self._log.append(f"{self.name} down")
        raise RuntimeError("is logged")


async def test_hook_on_startup_tells_in_order_and_on_failure_lets_go_again():
    log = []
    with pytest.raises(PluginError, match="plugin 'c': on_startup failed"):
        await _plugins(Life("a", log), Life("b", log), Life("c", log, is_broken=True)).startup(_STORE)

    assert log == ["a up", "b up", "b down", "a down"]


async def test_hook_on_shutdown_tells_all_last_one_first(caplog):
    log = []
    await _plugins(Life("a", log), Life("b", log)).shutdown(_STORE)

    assert log == ["b down", "a down"]
    assert "plugin 'a': on_shutdown failed" in caplog.text


class Answering:
    """Answers both deciders with what it was given, in its own time."""

    def __init__(self, name: str, answer: object, log: list[str]) -> None:
        self.name = name
        self._answer = answer
        self._log = log

    @hookimpl
    async def on_auth(self, exchange, store):
        assert store is _STORE
        await asyncio.sleep(0)
        self._log.append(self.name)
        return self._answer

    @hookimpl
    def on_request(self):
        self._log.append(self.name)
        return self._answer


@pytest.mark.parametrize("answer", [Principal(name="ada"), Denial(status=401, code="invalid_api_key", message="No.")])
async def test_hook_on_auth_takes_the_first_answer(answer):
    log, exchange = [], _exchange()
    plugins = _plugins(Answering("a", None, log), Answering("b", answer, log), Answering("c", answer, log))

    assert await plugins.chains(_STORE).on_auth(exchange) is answer
    assert (log, exchange.decided_by) == (["a", "b"], "b")


async def test_hook_on_request_takes_the_first_answer():
    log, answer = [], Answer()
    plugins = _plugins(Answering("a", None, log), Answering("b", answer, log))

    assert plugins.chains(_STORE).on_request(_exchange()) is answer, "nobody has to be waited for"
    assert log == ["a", "b"]


@pytest.mark.parametrize("waits", [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize("is_answered", [True, False])
async def test_hook_on_request_waits_for_whom_it_must_and_goes_on_from_there(waits, is_answered):
    log, answer = [], Answer() if is_answered else None

    def on_request(name: str, *, waits: bool, answer: Answer | None):
        async def later(self):
            await asyncio.sleep(0)
            log.append(name)
            return answer

        def at_once(self):
            log.append(name)
            return answer

        return later if waits else at_once

    plugins = _plugins(
        _named("a", on_request=hookimpl(on_request("a", waits=waits[0], answer=None))),
        _named("b", on_request=hookimpl(on_request("b", waits=waits[1], answer=answer))),
        _named("c", on_request=hookimpl(on_request("c", waits=False, answer=None))),
    )

    assert await plugins.chains(_STORE).on_request(_exchange()) is answer
    assert log == (["a", "b"] if is_answered else ["a", "b", "c"])


async def test_a_decorated_decider_that_hides_its_coroutine_is_awaited():
    async def really(exchange):
        return Principal(name="ada")

    class Hiding:
        @hookimpl
        def on_auth(self, exchange):
            return really(exchange)

    assert (await _plugins(Hiding).chains(_STORE).on_auth(_exchange())).name == "ada"


async def test_tryfirst_and_trylast_move_a_plugin_and_the_rest_keep_their_order():
    log = []

    def noting(name: str, **options: bool) -> object:
        def on_usage(self):
            log.append(name)

        return _named(name, on_usage=hookimpl(on_usage, **options))

    plugins = _plugins(noting("last", trylast=True), noting("a"), noting("first", tryfirst=True), noting("b"))
    plugins.chains(_STORE).on_usage(_exchange())

    assert log == ["first", "a", "b", "last"]


class Raising:
    name = "raising"

    @hookimpl(tryfirst=True)
    def on_usage(self):
        raise RuntimeError("boom")

    @hookimpl(tryfirst=True)
    async def on_response(self):
        raise RuntimeError("boom")


async def test_hook_on_usage_tells_all_and_logs_what_is_raised(caplog):
    seen = []
    seeing = _named("seeing", on_usage=hookimpl(_on_usage(seen)))
    _plugins(Raising, seeing).chains(_STORE).on_usage(exchange := _exchange())

    assert seen == [exchange]
    assert "plugin 'raising': on_usage failed" in caplog.text


def _on_usage(seen: list[Exchange]):
    def on_usage(self, exchange):
        seen.append(exchange)

    return on_usage


async def test_hook_on_response_tells_all_and_logs_what_is_raised(caplog):
    seen = []

    class Seeing:
        @hookimpl
        async def on_response(self, exchange, store):
            seen.append((exchange, store))

    await _plugins(Raising, Seeing).chains(_STORE).on_response(exchange := _exchange())

    assert seen == [(exchange, _STORE)]
    assert "plugin 'raising': on_response failed" in caplog.text


def test_a_hook_that_nobody_implements_has_no_chain():
    assert _plugins().chains(_STORE) == (None, None, None, None)
