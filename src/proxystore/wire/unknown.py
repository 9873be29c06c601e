"""The null object among the wire formats."""

from __future__ import annotations

from typing import Final

from proxystore.values import Call, Denial
from proxystore.wire.format import Meter
from proxystore.wire.lenient import encode


class Unknown:
    """Stands in where no format knows the path: nothing is read, errors are plain JSON."""

    name: str = "unknown"
    methods: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()

    def read(self, path: str, body: bytes) -> Call:
        """Return a call of which nothing is known."""
        return _UNKNOWN_CALL

    def ask_for_usage(self, body: bytes) -> bytes:
        """Return *body*."""
        return body

    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter | None:
        """Return ``None``."""
        return None

    def refuse(self, denial: Denial) -> bytes:
        """Return ``{"error": {"code": …, "message": …}}``."""
        return encode({"error": {"code": denial.code, "message": denial.message}})


_UNKNOWN_CALL: Final = Call(operation_name="unknown")
