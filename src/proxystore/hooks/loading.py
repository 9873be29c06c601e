"""Finding plugins: entry points name a class or a module, ``plugins=`` takes classes, modules and instances."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import pluggy
from pydantic import BaseModel
from typing_extensions import override

from proxystore.errors import PluginError, ProxyStoreError
from proxystore.hooks import specs
from proxystore.hooks.dispatch import Chains, in_order
from proxystore.hooks.lifetime import shut_down, start_up
from proxystore.hooks.marker import NAME
from proxystore.hooks.telling import Teller

if TYPE_CHECKING:
    import typer

    from proxystore.migrating import Migrations
    from proxystore.settings import Settings
    from proxystore.store import Store
    from proxystore.wire import WireFormat

_PLAIN: Final = frozenset({"on_usage", "register_commands", "register_migrations", "register_wire_formats"})


class Plugin(NamedTuple):
    """One plugin as ``proxystore plugins list`` shows it.

    Attributes:
        name: What settings and messages call it.
        version: Of its distribution; empty if it did not come by an entry point.
        origin: Where it came from, such as ``proxystore_usage:Usage``.
        hooks: What it implements, by name.
    """

    name: str
    version: str
    origin: str
    hooks: tuple[str, ...]


class Place(NamedTuple):
    """When a plugin is asked at a hook.

    Attributes:
        hook: The hook.
        place: The how-manieth it is, from 1.
        of: How many plugins implement that hook.
    """

    hook: str
    place: int
    of: int


class _Nothing(BaseModel, extra="forbid"):
    """The settings of a plugin that has none: whatever is set is refused."""


class _Found(NamedTuple):
    name: str
    plugin: Any
    version: str
    origin: str


class _Manager(pluggy.PluginManager):
    """As pluggy's, but for a plugin's properties: before 1.7 it runs each to see whether it is a hook."""

    @override
    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        attribute = inspect.getattr_static(plugin, name, None)
        return None if isinstance(attribute, property) else super().parse_hookimpl_opts(plugin, name)


class Plugins:
    """The plugins of one middleware or one command line; fixed once loaded."""

    def __init__(self, found: Sequence[_Found]) -> None:
        self._found = tuple(found)
        self._manager = _Manager(NAME)
        self._manager.add_hookspecs(specs)
        for each in reversed(self._found):  # pluggy asks the last registered first; we ask in the order given
            self._register(each.name, each.plugin)
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise PluginError(self._manager.get_name(error.plugin) or repr(error.plugin), str(error)) from error

    @classmethod
    def load(cls, settings: Settings, more: Sequence[object] = ()) -> Self:
        """Load what the setting ``plugins`` names (by default every entry point, by name), then *more*.

        Raises:
            PluginError: One is not there, cannot be loaded, is there twice, or implements a hook wrongly.
            SettingsError: A plugin's own settings are wrong.
        """
        points = _points()
        named = [_from_name(name, points, settings) for name in _wanted(points, settings)]
        found = [*named, *(_from_object(plugin, settings) for plugin in more)]
        settings.refuse_unknown_sections({*points, *(each.name for each in found)})
        return cls(found)

    def names(self) -> list[str]:
        """Return the names in the order they are asked."""
        return [each.name for each in self._found]

    def find(self, name: str) -> Any:
        """Return the plugin called *name*, as it was loaded or made; ``None`` if there is none."""
        return self._manager.get_plugin(name)

    def describe(self) -> list[Plugin]:
        """Return what there is to know of each plugin, in the order they are asked."""
        return [Plugin(each.name, each.version, each.origin, self._hooks_of(each.plugin)) for each in self._found]

    def places(self, name: str) -> list[Place]:
        """Return for each hook of the plugin called *name* when it is asked."""
        plugin, places = self.find(name), []
        for caller in sorted(self._manager.get_hookcallers(plugin) or (), key=lambda caller: caller.name):
            asked = [impl.plugin for impl in in_order(caller)]
            places.append(Place(caller.name, asked.index(plugin) + 1, len(asked)))
        return places

    def chains(self, store: Store) -> Chains:
        """Return the hooks of a request, compiled for *store*."""
        return Chains.compile(self._manager.hook, store)

    def teller(self, store: Store) -> Teller | None:
        """Return who tells ``on_audit``, for *store*; ``None`` where nobody wants to hear."""
        return Teller.of(self._manager.hook, store)

    def register_commands(self, cli: typer.Typer) -> None:
        """Let every plugin add its commands."""
        for impl in in_order(self._manager.hook.register_commands):
            _call(impl, cli)

    def wire_formats(self) -> list[WireFormat]:
        """Return the formats plugins bring, in the order they are asked."""
        return self._registered("register_wire_formats")

    def migrations(self) -> list[Migrations]:
        """Return the histories plugins bring."""
        return self._registered("register_migrations")

    async def startup(self, store: Store) -> None:
        """Tell every plugin that *store* is open.

        Raises:
            PluginError: One of them could not get ready; those told before it have been told to let go.
        """
        await start_up(self._manager.hook, store)

    async def shutdown(self, store: Store) -> None:
        """Tell every plugin, last one first, that *store* is about to close."""
        await shut_down(self._manager.hook, store)

    def _registered(self, hook: str) -> list[Any]:
        answers: list[Iterable[Any]] = [_call(impl) for impl in in_order(getattr(self._manager.hook, hook))]
        return [thing for answer in answers for thing in answer]

    def _hooks_of(self, plugin: object) -> tuple[str, ...]:
        return tuple(sorted(caller.name for caller in self._manager.get_hookcallers(plugin) or ()))

    def _register(self, name: str, plugin: object) -> None:
        if self._manager.has_plugin(name):
            raise PluginError(name, "there are two plugins of this name")
        try:
            self._manager.register(plugin, name)
        except (pluggy.PluginValidationError, ValueError) as error:
            raise PluginError(name, str(error)) from error
        for caller in self._manager.get_hookcallers(plugin) or ():
            for impl in caller.get_hookimpls():
                if impl.plugin is plugin:
                    _refuse_oddities(name, caller.name, impl)


def try_each(settings: Settings) -> Iterator[tuple[str, ProxyStoreError | None]]:
    """Load each plugin that *settings* name by itself; yield its name and why it cannot be loaded, if so."""
    points = _points()
    for name in _wanted(points, settings):
        try:
            Plugins([_from_name(name, points, settings)])
        except ProxyStoreError as error:
            yield name, error
        else:
            yield name, None


def wanted(settings: Settings) -> list[str]:
    """Return the names of the plugins that *settings* name, in order; none is loaded for that."""
    return _wanted(_points(), settings)


def left_out(settings: Settings) -> list[Plugin]:
    """Return the plugins that are installed and that *settings* leave out; they are not loaded for that."""
    points = _points()
    names = sorted(points.keys() - set(_wanted(points, settings)))
    return [Plugin(name, _version(points[name]), points[name].value, ()) for name in names]


def disabled_in_vain(settings: Settings) -> list[str]:
    """Return the names that *settings* leave out and that no plugin has."""
    there = {*_points(), *(settings.plugins or ())} if settings.disable else set()
    return [name for name in settings.disable if name not in there]


def find(plugin: object, settings: Settings) -> tuple[str, object]:
    """Return the name of *plugin*, and it itself, made with its own settings if it is a class.

    Args:
        plugin: A class, a module or an instance; or the name of one that is installed.
        settings: All of them.

    Raises:
        PluginError: It is not there or cannot be loaded.
        SettingsError: Its own settings are wrong.
    """
    found = _from_name(plugin, _points(), settings) if isinstance(plugin, str) else _from_object(plugin, settings)
    return found.name, found.plugin


def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=NAME)}


def _wanted(points: dict[str, EntryPoint], settings: Settings) -> list[str]:
    named = settings.plugins if settings.plugins is not None else sorted(points)
    return [name for name in named if name not in settings.disable]


def _from_name(name: str, points: dict[str, EntryPoint], settings: Settings) -> _Found:
    module, _, attribute = name.partition(":")
    if name in points:
        point = points[name]
        return _Found(name, _made(name, _attempt(name, point.load), settings), _version(point), point.value)
    if attribute:
        return _from_object(_attempt(name, lambda: getattr(import_module(module), attribute)), settings)
    known = ", ".join(sorted(points)) or "none"
    raise PluginError(name, f"is not installed; installed are: {known}")


def _version(point: EntryPoint) -> str:
    return point.dist.version if point.dist is not None else ""


def _from_object(plugin: Any, settings: Settings) -> _Found:
    of = plugin if inspect.isclass(plugin) or inspect.ismodule(plugin) else type(plugin)
    name = getattr(plugin, "name", None) or of.__name__.lower()
    return _Found(name, _made(name, plugin, settings), "", f"{getattr(of, '__module__', '')}:{of.__name__}".strip(":"))


def _made(name: str, plugin: Any, settings: Settings) -> object:
    """Return *plugin*, made with its own settings if it is a class."""
    if not inspect.isclass(plugin):
        return plugin
    make: Callable[..., object] = plugin
    kind = getattr(plugin, "Settings", None)
    if kind is None:
        settings.section(name, _Nothing)
        return _attempt(name, make)
    section = settings.section(name, kind)
    return _attempt(name, lambda: make(section))


def _attempt(name: str, load: Callable[[], Any]) -> Any:
    """Return what *load* returns; whatever a stranger's module raises, the message names the plugin."""
    try:
        return load()
    except Exception as error:
        raise PluginError(name, f"cannot be loaded: {error!r}") from error


def _call(impl: pluggy.HookImpl, *arguments: object) -> Any:
    try:
        return impl.function(*arguments[: len(impl.argnames)])
    except Exception as error:
        raise PluginError(impl.plugin_name, f"{impl.function.__name__} failed: {error!r}") from error


def _refuse_oddities(name: str, hook: str, impl: pluggy.HookImpl) -> None:
    if impl.wrapper or impl.hookwrapper:
        raise PluginError(name, f"{hook}: a wrapper would only see a coroutine being made; use another hook")
    if hook in _PLAIN and inspect.iscoroutinefunction(impl.function):
        raise PluginError(name, f"{hook} must be a plain function: def, not async def")
