"""The plugins of one middleware or one command line, registered and asked."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import pluggy
from typing_extensions import override

from proxystore.errors import ProxyStoreError
from proxystore.hooks import answers, finding, specs
from proxystore.hooks.dispatch import Chains, in_order
from proxystore.hooks.finding import Found
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


class _Manager(pluggy.PluginManager):
    """As pluggy's, but for a plugin's properties: before 1.7 it runs each to see whether it is a hook."""

    @override
    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        attribute = inspect.getattr_static(plugin, name, None)
        return None if isinstance(attribute, property) else super().parse_hookimpl_opts(plugin, name)


class Plugins:
    """The plugins of one middleware or one command line; fixed once loaded."""

    def __init__(self, found: Sequence[Found]) -> None:
        self._found = tuple(found)
        self._manager = _Manager(NAME)
        self._manager.add_hookspecs(specs)
        for each in reversed(self._found):  # pluggy asks the last registered first; we ask in the order given
            self._register(each)
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise self._owner(self._manager.get_name(error.plugin)).error(str(error)) from error

    @classmethod
    def load(cls, settings: Settings, more: Sequence[object] = ()) -> Self:
        """Load what the setting ``plugins`` names (by default every entry point, by name), then *more*.

        Raises:
            PluginError: One is not there, cannot be loaded, is there twice, or implements a hook wrongly.
            SettingsError: A plugin's own settings are wrong.
        """
        there = finding.points()
        named = [finding.by_name(name, there, settings) for name in finding.wanted(there, settings)]
        found = [*named, *(finding.by_object(plugin, settings) for plugin in more)]
        settings.refuse_unknown_sections({*there, *(each.name for each in found)})
        return cls(found)

    def names(self) -> list[str]:
        """Return the names in the order they are asked."""
        return [each.name for each in self._found]

    def find(self, name: str) -> Any:
        """Return the plugin called *name*, as it was loaded or made; ``None`` if there is none."""
        return self._manager.get_plugin(name)

    def describe(self) -> list[Plugin]:
        """Return what there is to know of each plugin, in the order they are asked."""
        return [
            Plugin(each.name, finding.version(each.point), each.origin, self._hooks_of(each.plugin))
            for each in self._found
        ]

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
            answers.called(self._owner(impl.plugin_name), "register_commands", impl, cli)

    def wire_formats(self) -> list[WireFormat]:
        """Return the formats plugins bring, in the order they are asked.

        Raises:
            PluginError: One of them could not say, or brings what is none.
        """
        asked = in_order(self._manager.hook.register_wire_formats)
        return [each for impl in asked for each in answers.formats(self._owner(impl.plugin_name), impl)]

    def migrations(self) -> list[Migrations]:
        """Return the histories plugins bring.

        Raises:
            PluginError: One of them could not say, or brings what is none.
        """
        asked = in_order(self._manager.hook.register_migrations)
        return [each for impl in asked for each in answers.histories(self._owner(impl.plugin_name), impl)]

    async def startup(self, store: Store) -> None:
        """Tell every plugin that *store* is open.

        Raises:
            PluginError: One of them could not get ready; those told before it have been told to let go.
        """
        await start_up(self._manager.hook, store)

    async def shutdown(self, store: Store) -> None:
        """Tell every plugin, last one first, that *store* is about to close."""
        await shut_down(self._manager.hook, store)

    def _owner(self, name: str | None) -> Found:
        return next(each for each in self._found if each.name == name)

    def _hooks_of(self, plugin: object) -> tuple[str, ...]:
        return tuple(sorted(caller.name for caller in self._manager.get_hookcallers(plugin) or ()))

    def _register(self, found: Found) -> None:
        if self._manager.has_plugin(found.name):
            raise found.error("there are two plugins of this name")
        try:
            self._manager.register(found.plugin, found.name)
        except finding.RAISED as error:
            raise found.error(str(error) or repr(error)) from error
        for caller in self._manager.get_hookcallers(found.plugin) or ():
            for impl in caller.get_hookimpls():
                if impl.plugin is found.plugin:
                    _refuse_oddities(found, caller.name, impl)


def try_each(settings: Settings) -> Iterator[tuple[str, ProxyStoreError | None]]:
    """Load each plugin that *settings* name by itself; yield its name and why it cannot be loaded, if so."""
    there = finding.points()
    for name in finding.wanted(there, settings):
        try:
            Plugins([finding.by_name(name, there, settings)])
        except ProxyStoreError as error:
            yield name, error
        else:
            yield name, None


def wanted(settings: Settings) -> list[str]:
    """Return the names of the plugins that *settings* name, in order; none is loaded for that."""
    return finding.wanted(finding.points(), settings)


def left_out(settings: Settings) -> list[Plugin]:
    """Return the plugins that are installed and that *settings* leave out; they are not loaded for that."""
    there = finding.points()
    left = sorted(there.keys() - set(finding.wanted(there, settings)))
    return [Plugin(name, finding.version(point), point.value, ()) for name in left for point in there[name]]


def disabled_in_vain(settings: Settings) -> list[str]:
    """Return the names that *settings* leave out and that no plugin has."""
    there = {*finding.points(), *(settings.plugins or ())} if settings.disable else set()
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
    if isinstance(plugin, str):
        found = finding.by_name(plugin, finding.points(), settings)
    else:
        found = finding.by_object(plugin, settings)
    return found.name, found.plugin


def _refuse_oddities(found: Found, hook: str, impl: pluggy.HookImpl) -> None:
    if impl.wrapper or impl.hookwrapper:
        raise found.error(f"{hook}: a wrapper would only see a coroutine being made; use another hook")
    if hook in _PLAIN and inspect.iscoroutinefunction(impl.function):
        raise found.error(f"{hook} must be a plain function: def, not async def")
