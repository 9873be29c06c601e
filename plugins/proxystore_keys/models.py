"""Which models a key may use, and lists of models made shorter."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

LONGEST_LIST: Final = 4 * 1024 * 1024
_LISTS: Final = ("/models", "/model/info", "/api/tags", "/api/ps")
_ONE: Final = re.compile(r"/v\d\w*/models/(.+?)/?\Z")
_PLACES: Final = ("data", "models")
_NAMES: Final = ("id", "model_name", "model", "name")


def is_list(path: str) -> bool:
    """Tell whether *path* is answered with a list of models."""
    return path.rstrip("/").endswith(_LISTS)


def asked_for(path: str) -> str | None:
    """Return the model that *path* is about, such as ``gpt-4o`` of ``/v1/models/gpt-4o``."""
    found = _ONE.search(path)
    return None if found is None else found[1]


def narrowed(is_allowed: Callable[[str], bool]) -> Callable[[bytes], bytes]:
    """Return a function that takes out of a list of models, as any API writes one, what is not allowed."""

    def narrow(body: bytes) -> bytes:
        try:
            document = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return body
        if isinstance(document, list):
            return msgspec.json.encode(_kept(document, is_allowed))
        lists = [name for name in _PLACES if isinstance(document, dict) and isinstance(document.get(name), list)]
        for name in lists:
            document[name] = _kept(document[name], is_allowed)
            if "first_id" in document:  # Anthropic's, for turning pages
                ids = [next(_names(each), None) for each in document[name]]
                document |= {"first_id": ids[0], "last_id": ids[-1]} if ids else {"first_id": None, "last_id": None}
        return msgspec.json.encode(document) if lists else body

    return narrow


def _kept(models: list[Any], is_allowed: Callable[[str], bool]) -> list[Any]:
    return [model for model in models if any(is_allowed(name) for name in _names(model))]


def _names(model: Any) -> Iterator[str]:
    given = (
        [model] if isinstance(model, str) else [model.get(name) for name in _NAMES] if isinstance(model, dict) else []
    )
    return (name.removeprefix("models/") for name in given if isinstance(name, str))
