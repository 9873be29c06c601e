"""Telling plugins that the store has opened and is about to close."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any

from proxystore.errors import PluginError
from proxystore.hooks.dispatch import in_order
from proxystore.hooks.finding import RAISED

if TYPE_CHECKING:
    import pluggy

    from proxystore.store import Store

logger = logging.getLogger(__name__)


async def start_up(hook: pluggy.HookRelay, store: Store) -> None:
    """Call ``on_startup`` in order; if one fails, those that are ready are told to let go."""
    ready: list[object] = []
    for impl in in_order(hook.on_startup):
        try:
            await _tell(impl, store)
        except RAISED as error:
            await shut_down(hook, store, only=ready)
            raise PluginError(impl.plugin_name, f"on_startup failed: {error!r}") from error
        ready.append(impl.plugin)


async def shut_down(hook: pluggy.HookRelay, store: Store, *, only: list[object] | None = None) -> None:
    """Call ``on_shutdown``, last plugin first; exceptions are logged."""
    for impl in hook.on_shutdown.get_hookimpls():
        if only is None or impl.plugin in only:
            try:
                await _tell(impl, store)
            except RAISED:
                logger.exception("plugin %r: on_shutdown failed", impl.plugin_name)


async def _tell(impl: pluggy.HookImpl, store: Store) -> Any:
    answer = impl.function(*[store][: len(impl.argnames)])
    return await answer if inspect.isawaitable(answer) else answer
