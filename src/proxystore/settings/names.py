"""Names of settings, dotted and in the environment, and the words for them in messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

PREFIX: Final = "PROXYSTORE_"


def listed(words: Iterable[str]) -> str:
    """Return ``a, b or c``."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``(did you mean …?)`` with a space before it, or nothing where no known word is near."""
    near = get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def variable(setting: str) -> str:
    """Return the environment's name of a dotted *setting*."""
    return PREFIX + setting.replace(".", "_").upper()


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested *values* under dotted names."""
    names: dict[str, Any] = {}
    for name, value in values.items():
        names |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return names


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return *values* with dotted names nested."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        put(tree, name.split("."), value)
    return tree


def put(tree: dict[str, Any], place: Sequence[str], value: Any) -> None:
    """Set the leaf of *tree* at *place*; what stood in the way and held no names is replaced."""
    *folders, leaf = place
    for folder in folders:
        tree[folder] = dict(tree[folder]) if isinstance(tree.get(folder), Mapping) else {}
        tree = tree[folder]
    tree[leaf] = value
