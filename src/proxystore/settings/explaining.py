"""Pydantic's errors in our words: which variable, and what it may be; never the value, which may be a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from proxystore.errors import SettingsError
from proxystore.settings.names import suggestion, variable
from proxystore.settings.seeds import SEED_NAMES

M = TypeVar("M", bound=BaseModel)


def validated(kind: type[M], values: Mapping[str, Any], origins: Mapping[str, str], prefix: str = "") -> M:
    """Return nested *values* as *kind*.

    Args:
        kind: The model.
        values: By field.
        origins: What each dotted name was read from.
        prefix: Stands before the fields' names in *origins*, such as ``plugin.usage.``.

    Raises:
        SettingsError: With one sentence for each wrong value.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        sentences: dict[str, str] = {}
        for problem in error.errors(include_url=False, include_input=False):
            name = _setting(problem["loc"], origins, prefix)
            sentence = _sentence(problem["type"], problem["msg"], name.removeprefix(prefix), kind)
            sentences.setdefault(name, f"{called(name, origins)} {sentence}{_way_out(name, origins)}")
        # Not chained: pydantic's error holds the values.
        raise SettingsError("; ".join(sentences.values())) from None


def called(name: str, origins: Mapping[str, str]) -> str:
    """Return the words for the setting *name* that lead to the place where it was set."""
    origin = origins.get(name, "argument")
    if origin in ("argument", "default"):
        return name
    return f"{origin}: {name}" if origin.endswith(".toml") else origin


def _way_out(name: str, origins: Mapping[str, str]) -> str:
    """Return what to do where an older name is another program's, whose value may be right for that."""
    is_older = name in origins and origins[name] in {older for names in SEED_NAMES.values() for older in names}
    return f"; {variable(name)} wins over it" if is_older else ""


def _setting(location: tuple[int | str, ...], origins: Mapping[str, str], prefix: str) -> str:
    """Return the setting that *location* lies in: a place within a list or a union goes by the list's name."""
    words = [str(word) for word in location]
    names = [prefix + ".".join(words[:length]) for length in range(len(words), 0, -1)]
    return next((name for name in names if name in origins), names[-1] if names else prefix.rstrip("."))


def _sentence(problem: str, message: str, name: str, kind: type[BaseModel]) -> str:
    if problem == "extra_forbidden":
        return f"is no setting of it{suggestion(name, kind.model_fields)}"
    if problem == "missing":
        return "must be set"
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ").replace("Input should", "should")
