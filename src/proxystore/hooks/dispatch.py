"""Asking implementations in order; chains are compiled once per plugin set.

pluggy keeps specifications, registration and validation. It calls plain functions only (a coroutine would count as
an answer), so the calling is done here, and a hook that nobody implements costs one comparison.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from proxystore.errors import BodyTooLarge, PluginError
from proxystore.exchange import ClientGone, Exchange
from proxystore.values import Answer, Denial, Principal

if TYPE_CHECKING:
    import pluggy

    from proxystore.store import Store

logger = logging.getLogger(__name__)

Observer: TypeAlias = Callable[[Exchange], Awaitable[None]]
Recorder: TypeAlias = Callable[[Exchange], None]


class Step(NamedTuple):
    """One implementation: takes an exchange, its store is bound."""

    plugin: str
    call: Callable[[Exchange], Any]


class Chains(NamedTuple):
    """The hooks of a request, ready to be called; ``None`` where nobody implements one."""

    on_auth: Callable[[Exchange], Awaitable[Principal | Denial | None]] | None
    on_request: Callable[[Exchange], Awaitable[Answer | Denial | None]] | None
    on_usage: Recorder | None
    on_response: Observer | None

    @classmethod
    def compile(cls, hook: pluggy.HookRelay, store: Store) -> Chains:
        """Return the chains of *hook*'s implementations for *store*."""
        return cls(
            on_auth=decider("on_auth", _steps(hook.on_auth, store), (Principal, Denial)),
            on_request=decider("on_request", _steps(hook.on_request, store), (Answer, Denial)),
            on_usage=recorder("on_usage", _steps(hook.on_usage, store)),
            on_response=observer("on_response", _steps(hook.on_response, store)),
        )


def in_order(caller: pluggy.HookCaller) -> list[pluggy.HookImpl]:
    """Return *caller*'s implementations in the order they are asked (pluggy keeps them the other way round)."""
    return caller.get_hookimpls()[::-1]


def decider(hook: str, steps: Sequence[Step], kinds: tuple[type, ...]) -> Callable[[Exchange], Awaitable[Any]] | None:
    """Return a function that asks in order: the first answer wins, an exception is a `PluginError`."""
    if not steps:
        return None

    async def ask(exchange: Exchange) -> Any:
        for plugin, call in steps:
            try:
                answer = call(exchange)
                if answer is not None and inspect.isawaitable(answer):
                    answer = await answer
            except (BodyTooLarge, ClientGone):
                raise  # nothing is wrong with the plugin
            except Exception as error:
                raise PluginError(plugin, f"{hook} failed: {error!r}") from error
            if answer is not None:
                if not isinstance(answer, kinds):
                    raise PluginError(plugin, f"{hook} answered {type(answer).__name__}, not {_names(kinds)}")
                exchange.decided_by = plugin
                return answer
        return None

    return ask


def observer(hook: str, steps: Sequence[Step]) -> Observer | None:
    """Return a function that tells everybody; exceptions are logged."""
    if not steps:
        return None

    async def tell(exchange: Exchange) -> None:
        for plugin, call in steps:
            try:
                answer = call(exchange)
                if answer is not None and inspect.isawaitable(answer):
                    await answer
            except Exception:
                logger.exception("plugin %r: %s failed", plugin, hook)

    return tell


def recorder(hook: str, steps: Sequence[Step]) -> Recorder | None:
    """Return a function that tells everybody without waiting; exceptions are logged."""
    if not steps:
        return None

    def tell(exchange: Exchange) -> None:
        for plugin, call in steps:
            try:
                call(exchange)
            except Exception:
                logger.exception("plugin %r: %s failed", plugin, hook)

    return tell


def _steps(caller: pluggy.HookCaller, store: Store) -> tuple[Step, ...]:
    return tuple(Step(each.plugin_name, _bound(each, store)) for each in in_order(caller))


def _bound(impl: pluggy.HookImpl, store: Store) -> Callable[[Exchange], Any]:
    function: Callable[..., Any] = impl.function
    if "store" in impl.argnames:
        function = partial(function, store=store)
    if "exchange" in impl.argnames:
        return function
    return lambda _: function()


def _names(kinds: tuple[type, ...]) -> str:
    return " or ".join((*(kind.__name__ for kind in kinds), "None"))
