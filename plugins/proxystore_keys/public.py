"""What anybody may ask for: the paths that are public, and a browser's question whether it may ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proxystore import Request

_ASKING_ONLY: Final = frozenset({"GET", "HEAD"})


class Public:
    """What needs no key.

    Args:
        paths: As in the setting ``public_paths``.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = frozenset(path for path in paths if not path.endswith("*"))
        self._beginnings = tuple(path[:-1] for path in paths if path.endswith("*"))

    def holds(self, request: Request) -> bool:
        """Tell whether *request* needs no key."""
        if request.is_websocket:
            return False
        method, path = request.method, request.path
        if method in _ASKING_ONLY:
            return path in self._paths or self._begins(path) or (method == "HEAD" and path in {"", "/"})
        return method == "OPTIONS" and _is_preflight(request)

    def _begins(self, path: str) -> bool:
        # What is behind us may make /v1/models of /health/../v1/models.
        return path.startswith(self._beginnings) and not {"..", "."} & set(path.replace("\\", "/").split("/"))


def _is_preflight(request: Request) -> bool:
    # A browser's, which never carries a key: https://fetch.spec.whatwg.org/#cors-preflight-request
    return request.header(b"origin") is not None and request.header(b"access-control-request-method") is not None
