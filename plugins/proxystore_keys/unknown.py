"""What lies beside the APIs that are known: how much of it who has a key may call."""

from __future__ import annotations

import re
from posixpath import normpath
from typing import TYPE_CHECKING, Final

from proxystore_keys.models import asked_for, is_list

if TYPE_CHECKING:
    from typing import Literal

    from proxystore import Request

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PARAMETERS: Final = re.compile(r";[^/]*")
_find_managing: Final = re.compile(
    r"/api/(?:create|copy|delete|pull|push|blobs/[^/]+)\Z"  # Ollama
    r"|/(?:un)?load_lora_adapter\Z"  # vLLM
    r"|/models/(?:un)?load\Z|/lora-adapters\Z"  # llama.cpp
    r"|/model/(?:new|update|delete)\Z"  # LiteLLM
).search


def is_managing(request: Request) -> bool:
    """Tell whether *request*, which is none that only reads, changes which models there are, or what they are."""
    path = normpath(_PARAMETERS.sub("", request.path)).lower()  # as servers understand it that are not strict
    return not request.is_claimed and _find_managing(path) is not None


def is_closed(request: Request, policy: Literal["allow", "read", "refuse"]) -> bool:
    """Tell whether *request* goes where nobody may.

    Args:
        request: Of which no more has been read than its path.
        policy: The setting ``unknown_paths``.
    """
    if policy == "allow" or request.is_claimed:
        return False
    if request.is_websocket or request.method not in _READING:
        return True
    path = request.path
    is_about_models = ".." not in path and (is_list(path) or asked_for(path) is not None)
    return policy == "refuse" and not is_about_models
