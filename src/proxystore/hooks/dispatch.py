"""Asking implementations in order; chains are compiled once per plugin set.

pluggy keeps specifications, registration and validation. It calls plain functions only (a coroutine would count as
an answer), so the calling is done here, and a hook that nobody implements costs one comparison.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

from proxystore.errors import BodyTooLarge, PluginError
from proxystore.exchange import ClientGone, Exchange
from proxystore.values import Answer, Denial, Principal

if TYPE_CHECKING:
    from types import CoroutineType

    import pluggy

    from proxystore.store import Store

logger = logging.getLogger(__name__)

T = TypeVar("T")
_NOBODYS_FAULT: Final = (BodyTooLarge, ClientGone)
"""What the plugin that reads a request is not to blame for."""

Decider: TypeAlias = "Callable[[Exchange], T | CoroutineType[Any, Any, T | None] | None]"
Observer: TypeAlias = "Callable[[Exchange], CoroutineType[Any, Any, None] | None]"
"""A chain returns a coroutine where somebody has to be waited for; it goes on from there."""

Recorder: TypeAlias = Callable[[Exchange], None]


class Step(NamedTuple):
    """One implementation: takes an exchange, its store is bound."""

    plugin: str
    call: Callable[[Exchange], Any]


class Chains(NamedTuple):
    """The hooks of a request, ready to be called; ``None`` where nobody implements one."""

    on_auth: Decider[Principal | Denial] | None
    on_request: Decider[Answer | Denial] | None
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


def decider(hook: str, steps: Sequence[Step], kinds: tuple[type, ...]) -> Decider[Any] | None:
    """Return a function that asks in order: the first answer wins, an exception is a `PluginError`.

    While everybody answers at once, so does it: a coroutine is made only where somebody has to be waited for.
    """
    if not steps:
        return None

    def ask(exchange: Exchange) -> Any:
        plugin, left = "", iter(steps)
        try:
            for plugin, call in left:
                answer = call(exchange)
                if answer is not None:
                    if type(answer) not in kinds:
                        return _first(hook, kinds, exchange, plugin=plugin, answer=answer, left=left)
                    exchange.decided_by = plugin
                    return answer
        except _NOBODYS_FAULT:
            raise
        except Exception as error:
            raise PluginError(plugin, f"{hook} failed: {error!r}") from error
        return None

    return ask


async def _first(
    hook: str, kinds: tuple[type, ...], exchange: Exchange, *, plugin: str, answer: Any, left: Iterator[Step]
) -> Any:
    """Wait for *plugin*'s answer and, if it has none, go on with those who are *left*."""
    try:
        if inspect.isawaitable(answer):
            answer = await answer
        while answer is None:
            step = next(left, None)
            if step is None:
                return None
            plugin, answer = step.plugin, step.call(exchange)
            if answer is not None and inspect.isawaitable(answer):
                answer = await answer
    except _NOBODYS_FAULT:
        raise
    except Exception as error:
        raise PluginError(plugin, f"{hook} failed: {error!r}") from error
    if not isinstance(answer, kinds):
        raise PluginError(plugin, f"{hook} answered {type(answer).__name__}, not {_names(kinds)}")
    exchange.decided_by = plugin
    return answer


def observer(hook: str, steps: Sequence[Step]) -> Observer | None:
    """Return a function that tells everybody, whom it can at once; exceptions are logged."""
    if not steps:
        return None

    def tell(exchange: Exchange) -> Any:
        left = iter(steps)
        for plugin, call in left:
            try:
                answer = call(exchange)
            except Exception:
                logger.exception("plugin %r: %s failed", plugin, hook)
            else:
                if answer is not None and inspect.isawaitable(answer):
                    return _all(hook, exchange, plugin, answer, left)
        return None

    return tell


async def _all(hook: str, exchange: Exchange, plugin: str, answer: Any, left: Iterator[Step]) -> None:
    """Wait for *plugin*, and tell those who are *left*."""
    try:
        await answer
    except Exception:
        logger.exception("plugin %r: %s failed", plugin, hook)
    for step in left:
        try:
            answer = step.call(exchange)
            if answer is not None and inspect.isawaitable(answer):
                await answer
        except Exception:
            logger.exception("plugin %r: %s failed", step.plugin, hook)


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
