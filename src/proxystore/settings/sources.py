"""Where settings come from; each source answers for one setting at a time and says what it read it from."""

from __future__ import annotations

import tomllib
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from typing_extensions import override

from proxystore.errors import SettingsError
from proxystore.settings.names import PREFIX, flat, nested, suggestion, variable
from proxystore.settings.seeds import find_seed

CONFIG: Final = "PROXYSTORE_CONFIG"
ARGUMENT: Final = "argument"
_DEFAULT_FILE: Final = "proxystore.toml"
_FOR_TESTS: Final = "PROXYSTORE_TEST_"


class PluginValue(NamedTuple):
    """One field of a plugin's section: ``place`` leads there through nested models."""

    plugin: str
    place: tuple[str, ...]
    value: Any
    origin: str


class Source(PydanticBaseSettingsSource):
    """A source as pydantic-settings knows it: ``None`` is the value where it has nothing to say."""

    @abstractmethod
    @override
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value of the dotted *field_name*, what it was read from, and whether it is still JSON."""

    @override
    def __call__(self) -> dict[str, Any]:
        found = ((name, self.get_field_value(field, name)[0]) for name, field in leaves(self.settings_cls))
        return nested({name: value for name, value in found if value is not None})

    def plugin_values(self) -> Iterator[PluginValue]:
        """Yield what is set for plugins."""
        yield from ()


class ArgumentSource(Source):
    """What the caller gave; ``None`` counts as not given."""

    def __init__(self, kind: type[BaseSettings], arguments: Mapping[str, Any]) -> None:
        super().__init__(kind)
        given = {name: _plain(value) for name, value in arguments.items() if value is not None}
        self._plugins = _tables(given.pop("plugin", {}), "")
        self._values = flat(given)
        _refuse_unknown(self._values, kind, "")

    @override
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._values.get(field_name), ARGUMENT, False

    @override
    def plugin_values(self) -> Iterator[PluginValue]:
        yield from _section_values(self._plugins, ARGUMENT)


class EnvironmentSource(Source):
    """``PROXYSTORE_<NAME>``, and ``PROXYSTORE_<PLUGIN>__<FIELD>``; an empty value counts as none."""

    def __init__(self, kind: type[BaseSettings], environ: Mapping[str, str]) -> None:
        super().__init__(kind)
        self._values = {name: value for name, value in environ.items() if name.startswith(PREFIX) and value.strip()}
        known = [CONFIG, *(variable(name) for name, _ in leaves(kind))]
        self._of_plugins = {name for name in self._values if _is_of_plugin(name, known)}
        for name in self._values.keys() - self._of_plugins - set(known):
            if not name.startswith(_FOR_TESTS):
                raise SettingsError(f"{name} is no setting of proxystore{suggestion(name, known)}")

    @override
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = variable(field_name)
        return self._values.get(name), name, False

    @override
    def plugin_values(self) -> Iterator[PluginValue]:
        for name in sorted(self._of_plugins):
            plugin, *place = name.removeprefix(PREFIX).lower().split("__")
            yield PluginValue(plugin, tuple(place), self._values[name], name)


class FileSource(Source):
    """``proxystore.toml``: the settings' own names, ``[pool]``, and ``[plugin.<name>]``."""

    def __init__(self, kind: type[BaseSettings], path: Path | None) -> None:
        super().__init__(kind)
        self._origin = str(path)
        values = {} if path is None else _read(path)
        self._plugins = _tables(values.pop("plugin", {}), f"{path}: ")
        self._values = flat(values)
        _refuse_unknown(self._values, kind, f"{path}: ")

    @override
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._values.get(field_name), self._origin, False

    @override
    def plugin_values(self) -> Iterator[PluginValue]:
        yield from _section_values(self._plugins, self._origin)


class SeedSource(Source):
    """The names of older proxies, see :mod:`proxystore.settings.seeds`."""

    def __init__(self, kind: type[BaseSettings], environ: Mapping[str, str]) -> None:
        super().__init__(kind)
        self._environ = environ

    @override
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        value, name = find_seed(field_name, self._environ) or (None, "")
        return value, name, False


def leaves(kind: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield each single setting with its dotted name, such as ``pool.max_size``; plugins' sections are none."""
    for name, field in kind.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaves(field.annotation, f"{prefix}{name}.")
        elif prefix + name != "plugin":
            yield prefix + name, field


def find_file(path: str | Path | None, environ: Mapping[str, str]) -> Path | None:
    """Return the file to read: *path*, else ``PROXYSTORE_CONFIG``, else ``./proxystore.toml`` if it is there.

    Raises:
        SettingsError: The file that was named is not there.
    """
    named = str(path or "") or environ.get(CONFIG, "").strip()
    if not named:
        return Path(_DEFAULT_FILE) if Path(_DEFAULT_FILE).is_file() else None
    if not Path(named).is_file():
        raise SettingsError(f"{'the settings file' if path else CONFIG} is {named}, which is not there")
    return Path(named)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error


def _refuse_unknown(values: Mapping[str, Any], kind: type[BaseModel], where: str) -> None:
    known = [name for name, _ in leaves(kind)]
    for name in values:
        if name not in known:
            raise SettingsError(f"{where}{name} is no setting of proxystore{suggestion(name, known)}")


def _is_of_plugin(name: str, known: Sequence[str]) -> bool:
    # PROXYSTORE_POOL__MAX_SIZE is what other programs would call PROXYSTORE_POOL_MAX_SIZE: not a plugin called "pool".
    return "__" in name.removeprefix(PREFIX) and name.replace("__", "_") not in known


def _tables(plugins: Any, where: str) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(plugins, Mapping) or not all(isinstance(section, Mapping) for section in plugins.values()):
        raise SettingsError(f"{where}plugin must hold one table for each plugin, such as [plugin.usage]")
    return plugins


def _section_values(plugins: Mapping[str, Mapping[str, Any]], origin: str) -> Iterator[PluginValue]:
    for plugin, section in plugins.items():
        for field, value in section.items():
            yield PluginValue(plugin, (field,), value, origin)


def _plain(value: Any) -> Any:
    return value.model_dump(exclude_unset=True) if isinstance(value, BaseModel) else value
