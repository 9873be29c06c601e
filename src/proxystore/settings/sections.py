"""A plugin's own settings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from proxystore.errors import SettingsError
from proxystore.settings.explaining import called, validated
from proxystore.settings.kinds import words
from proxystore.settings.names import suggestion
from proxystore.settings.reading import section_name

M = TypeVar("M", bound=BaseModel)


def read_section(
    plugin: str, kind: type[M], sections: Mapping[str, Mapping[str, Any]], origins: Mapping[str, str]
) -> M:
    """Return the section of *plugin* as *kind*, with fields it does not know refused.

    Raises:
        SettingsError: A field is unknown or its value wrong.
    """
    name = section_name(plugin)
    values, prefix = sections.get(name, {}), f"plugin.{name}."
    read: dict[str, Any] = {}
    for field, value in values.items():
        if field not in kind.model_fields:
            hint = suggestion(field, kind.model_fields)
            raise SettingsError(f"{called(prefix + field, origins)} is no setting of the plugin {plugin!r}{hint}")
        try:
            read[field] = _from_text(value, kind.model_fields[field])
        except ValueError:
            raise SettingsError(f"{called(prefix + field, origins)} may be JSON") from None
    return validated(kind, read, origins, prefix)


def refuse_unknown_sections(
    known: Iterable[str], sections: Mapping[str, Mapping[str, Any]], origins: Mapping[str, str]
) -> None:
    """Raise ``SettingsError`` for the first section that belongs to none of the *known* plugins."""
    names = [section_name(plugin) for plugin in known]
    for name, section in sections.items():
        if name not in names:
            place = next((called(f"plugin.{name}.{field}", origins) for field in section), f"plugin.{name}")
            raise SettingsError(f"{place}: there is no plugin {name!r}{suggestion(name, names)}")


def _from_text(value: Any, field: FieldInfo) -> Any:
    """Return a variable's text as pydantic wants what is no single value: a list or a mapping."""
    container = get_origin(field.annotation) or field.annotation
    if not isinstance(value, str) or not isinstance(container, type):
        return value
    if issubclass(container, tuple | list | set | frozenset):
        return words(value)
    return json.loads(value) if issubclass(container, dict | BaseModel) else value
