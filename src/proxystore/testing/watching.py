"""Noting which hook of which plugin is called, in order, without changing what it does."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, wraps
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from proxystore.hooks.marker import NAME

_MARK: Final = f"{NAME}_impl"


class Fired(NamedTuple):
    """A hook that was called; equal to a plain ``("on_usage", "greeting")``."""

    hook: str
    plugin: str


def watched(name: str, plugin: object, note: Callable[[Fired], None]) -> object:
    """Return what implements the hooks of *plugin*, called *name*, and has each call of one noted first."""
    watching = SimpleNamespace(name=name)
    for hook in dir(plugin):
        if hasattr(inspect.getattr_static(plugin, hook), _MARK):
            setattr(watching, hook, _noting(getattr(plugin, hook), partial(note, Fired(hook, name))))
    return watching


def _noting(implementation: Callable[..., Any], note: Callable[[], None]) -> Callable[..., Any]:
    @wraps(implementation)
    def plain(*arguments: Any, **values: Any) -> Any:
        note()
        return implementation(*arguments, **values)

    @wraps(implementation)
    async def waiting(*arguments: Any, **values: Any) -> Any:
        note()
        return await implementation(*arguments, **values)

    return waiting if inspect.iscoroutinefunction(implementation) else plain
