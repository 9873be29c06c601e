"""Finding plugins: entry points name a class or a module, ``plugins=`` takes classes, modules and instances.

What strangers wrote runs here for the first time; whatever it does, the error names the plugin, where it comes from,
and how to go on without it.
"""

from __future__ import annotations

import inspect
import shlex
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from pydantic import BaseModel

from proxystore.errors import PluginError
from proxystore.hooks.marker import NAME

if TYPE_CHECKING:
    from proxystore.settings import Settings

RAISED: Final = (Exception, SystemExit)
"""What a plugin's code may raise where a `PluginError` is made of it; ``sys.exit()`` ends no process of ours."""

Points: TypeAlias = Mapping[str, Sequence[EntryPoint]]
"""By name; several distributions may claim one."""


class _Nothing(BaseModel, extra="forbid"):
    """The settings of a plugin that has none: whatever is set is refused."""


class Found(NamedTuple):
    """One plugin, ready to be registered.

    Attributes:
        name: What settings and messages call it.
        plugin: It itself: an instance or a module.
        origin: Where it came from, such as ``proxystore_usage:Usage``.
        point: The entry point it came by.
        asked: What the setting ``plugins`` calls it; empty if it was given as an object.
    """

    name: str
    plugin: Any
    origin: str
    point: EntryPoint | None = None
    asked: str = ""

    def error(self, message: str) -> PluginError:
        """Return an error that says *message* of it."""
        return _error(self.name, message, self.point, self.asked)


def points() -> Points:
    """Return all that are installed, by name."""
    there: dict[str, list[EntryPoint]] = defaultdict(list)
    for point in entry_points(group=NAME):
        there[point.name].append(point)
    return dict(there)


def wanted(there: Points, settings: Settings) -> list[str]:
    """Return the names that *settings* choose, in order."""
    named = settings.plugins if settings.plugins is not None else sorted(there)
    return [name for name in named if name not in settings.disable]


def version(point: EntryPoint | None) -> str:
    """Return the version of the distribution that *point* belongs to."""
    return point.dist.version if point is not None and point.dist is not None else ""


def by_name(name: str, there: Points, settings: Settings) -> Found:
    """Return the plugin that the setting ``plugins`` calls *name*.

    Raises:
        PluginError: It is not there or cannot be loaded.
        SettingsError: Its own settings are wrong.
    """
    module, _, attribute = name.partition(":")
    if name in there:
        return _made(_loaded(there[name], name), settings)
    if attribute:
        place = Found(name, None, name, asked=name)
        return by_object(_attempt(place, lambda: getattr(import_module(module), attribute)), settings, asked=name)
    known = ", ".join(sorted(there)) or "none"
    raise _error(name, f"is not installed; installed are: {known}", None, name)


def by_object(plugin: Any, settings: Settings, *, asked: str = "") -> Found:
    """Return *plugin*: a module, an instance, or a class, which is made.

    Raises:
        PluginError: It is none of these, or cannot be made.
        SettingsError: Its own settings are wrong.
    """
    of = plugin if inspect.isclass(plugin) or inspect.ismodule(plugin) else type(plugin)
    origin = f"{getattr(of, '__module__', '')}:{of.__name__}".strip(":")
    guess = getattr(plugin, "__name__", of.__name__).lower()
    found = _checked(Found(asked or guess, plugin, origin, asked=asked))
    name = _attempt(found, lambda: getattr(plugin, "name", None))
    return _made(found._replace(name=of.__name__.lower() if name is None else _text(name, found)), settings)


def _loaded(claims: Sequence[EntryPoint], name: str) -> Found:
    point = claims[0]
    found = Found(name, None, point.value, point, name)
    _text(name, found)
    if len(claims) > 1:
        owners = " and ".join(each.dist.name for each in claims if each.dist is not None)
        raise found.error(f"is what {owners} call theirs: uninstall one of them")
    return _checked(found._replace(plugin=_attempt(found, point.load)))


def _made(found: Found, settings: Settings) -> Found:
    """Return *found*, made with its own settings if it is a class."""
    if not inspect.isclass(found.plugin):
        return found
    make: Callable[..., object] = found.plugin
    kind = getattr(make, "Settings", None)
    if kind is None:
        settings.section(found.name, _Nothing)
        return _checked(found._replace(plugin=_attempt(found, make)))
    if not (inspect.isclass(kind) and issubclass(kind, BaseModel)):
        raise found.error(f"its Settings, {_shown(kind)}, must be a class derived from pydantic's BaseModel")
    section = settings.section(found.name, kind)
    return _checked(found._replace(plugin=_attempt(found, lambda: make(section))))


def _checked(found: Found) -> Found:
    """Return *found* if it can be a plugin: what has no hooks is one, what can have none is a mistake."""
    is_object = type(found.plugin).__module__ != "builtins"
    if not (is_object or inspect.isclass(found.plugin) or inspect.ismodule(found.plugin)):
        raise found.error(f"is {_shown(found.plugin)}, and must be a class, a module or an instance")
    return found


def _text(name: Any, found: Found) -> str:
    """Return *name* if settings, messages and commands can use it."""
    if not isinstance(name, str) or not name.isprintable() or name != name.strip() or not name:
        raise found.error(f"its name, {_shown(name)}, must be text that can be printed, without spaces around it")
    return name


def _attempt(found: Found, load: Callable[[], Any]) -> Any:
    """Return what *load* returns; whatever a stranger's module raises, the message names the plugin."""
    try:
        return load()
    except RAISED as error:
        raise found.error(f"cannot be loaded: {error!r}") from error


def _error(name: str, message: str, point: EntryPoint | None, asked: str) -> PluginError:
    dist = point.dist if point is not None else None
    origin = f" (in {dist.name} {dist.version})" if dist is not None else ""
    leave_out = shlex.quote(asked)
    mend = f"--disable {leave_out}, or PROXYSTORE_DISABLE={leave_out}, goes on without it" if asked else ""
    return PluginError(name, f"{message}{origin}", mend=mend)


def _shown(thing: object) -> str:
    """Return *thing* for a message; its representation is a stranger's code, too."""
    if isinstance(thing, (str, int, float)) or thing is None:
        return f"{thing!r}"[:80]
    name = getattr(thing, "__name__", None)
    return f"the {type(thing).__name__} {name!r}" if isinstance(name, str) else f"a {type(thing).__name__}"
