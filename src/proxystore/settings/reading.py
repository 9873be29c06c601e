"""One reading of all sources: the first that has a value decides, and is remembered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_settings import BaseSettings

from proxystore.settings.names import nested, put
from proxystore.settings.sources import (
    ArgumentSource,
    EnvironmentSource,
    FileSource,
    SeedSource,
    Source,
    find_file,
    leaves,
)


class Reading(NamedTuple):
    """Values by field, nested, and by dotted name what each was read from."""

    values: dict[str, Any]
    origins: dict[str, str]


def read(
    kind: type[BaseSettings], path: str | Path | None, environ: Mapping[str, str], arguments: Mapping[str, Any]
) -> Reading:
    """Ask arguments, environment, file and older names, in this order.

    Raises:
        SettingsError: A name is unknown, the file cannot be read, or two older names disagree.
    """
    sources = (
        ArgumentSource(kind, arguments),
        EnvironmentSource(kind, environ),
        FileSource(kind, find_file(path, environ)),
        SeedSource(kind, environ),
    )
    values, origins = {}, {}
    for name, field in leaves(kind):
        # One after the other: the older names of what is decided already may disagree as they like.
        for source in sources:
            value, origin, _ = source.get_field_value(field, name)
            if value is not None:
                values[name], origins[name] = value, origin
                break
    sections, section_origins = _sections(sources)
    return Reading(nested(values) | {"plugin": sections}, origins | section_origins)


def _sections(sources: Iterable[Source]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    sections: dict[str, dict[str, Any]] = {}
    origins: dict[str, str] = {}
    for source in reversed(list(sources)):
        for plugin, place, value, origin in source.plugin_values():
            name = section_name(plugin)
            put(sections.setdefault(name, {}), place, value)
            origins[".".join(("plugin", name, *place))] = origin
    return sections, origins


def section_name(plugin: str) -> str:
    """Return *plugin* as its section is called: the environment knows neither small letters nor hyphens."""
    return plugin.lower().replace("-", "_")
