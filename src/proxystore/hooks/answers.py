"""What plugins bring at the start: asked once, and looked at before anything is built upon it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from proxystore.errors import PluginError
from proxystore.hooks.finding import RAISED, Found

if TYPE_CHECKING:
    import pluggy

    from proxystore.migrating import Migrations
    from proxystore.wire import WireFormat

T = TypeVar("T")

_FORMAT: Final = ("name", "methods", "paths", "read", "ask_for_usage", "meter", "refuse")


class _NoAnswer(Exception):
    """What was answered is not what was asked for."""


def called(found: Found, hook: str, impl: pluggy.HookImpl, *arguments: object) -> Any:
    """Return what an implementation of *found* answers.

    Raises:
        PluginError: It raised something, be it ``sys.exit()``.
    """
    return _tried(found, hook, lambda: impl.function(*arguments[: len(impl.argnames)]))


def formats(found: Found, impl: pluggy.HookImpl) -> list[WireFormat]:
    """Return the wire formats that *found* brings.

    Raises:
        PluginError: It raised something, or brings what is no wire format.
    """
    return _all(found, "register_wire_formats", impl, _as_format)


def histories(found: Found, impl: pluggy.HookImpl) -> list[Migrations]:
    """Return the histories that *found* brings.

    Raises:
        PluginError: It raised something, or brings what is no history, or one that is not there.
    """
    return _all(found, "register_migrations", impl, _as_history)


def _all(found: Found, hook: str, impl: pluggy.HookImpl, check: Callable[[Any], T]) -> list[T]:
    answer = called(found, hook, impl)
    if not isinstance(answer, Iterable):
        raise found.error(f"{hook} answered {_kind(answer)}, and must answer a list; [] is none")
    return _tried(found, hook, lambda: [check(each) for each in answer])


def _tried(found: Found, hook: str, ask: Callable[[], T]) -> T:
    try:
        return ask()
    except _NoAnswer as error:
        raise found.error(f"{hook} answered {error}") from None
    except PluginError:
        raise
    except RAISED as error:
        raise found.error(f"{hook} failed: {error!r}") from error


def _as_format(thing: Any) -> WireFormat:
    if inspect.isclass(thing):
        raise _NoAnswer(f"the class {thing.__name__}, and must answer an instance of it: {thing.__name__}()")
    missing = [name for name in _FORMAT if not hasattr(thing, name)]
    if missing:
        raise _NoAnswer(f"{_kind(thing)}, which is no wire format: it has no {', no '.join(missing)}")
    if not isinstance(thing.name, str) or not _are_texts(thing.methods) or not _are_texts(thing.paths):
        raise _NoAnswer(f"{_kind(thing)}, whose name must be text, and whose methods and paths must be sets of texts")
    found: WireFormat = thing
    return found


def _as_history(thing: Any) -> Migrations:
    from proxystore.migrating import Migrations  # opens the door to the database: not for ``--help``

    if not isinstance(thing, Migrations):
        raise _NoAnswer(f"{_kind(thing)}, and must answer Migrations(package, version_table)")
    if not thing.head or not thing.versions.is_dir():
        raise _NoAnswer(f"{thing!r}, whose package has no HEAD or no folder versions")
    return thing


def _are_texts(things: Any) -> bool:
    return isinstance(things, (tuple, list, set, frozenset)) and all(isinstance(each, str) for each in things)


def _kind(thing: object) -> str:
    return "None" if thing is None else f"an object of the class {type(thing).__name__}"
