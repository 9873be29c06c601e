"""``POST /api/show``."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxystore.values import Call, Denial
from proxystore.wire.format import Meter
from proxystore.wire.lenient import decode
from proxystore.wire.ollama.errors import refuse
from proxystore.wire.reading import FreeReader

_decoder: Final = msgspec.json.Decoder(dict[str, Any])


class ShowModel:
    """Tells of a model; nothing is generated."""

    name: str = "ollama.show"
    methods: frozenset[str] = frozenset({"POST"})
    paths: tuple[str, ...] = ("/api/show",)
    operation_name: str = "show_model"

    def read(self, path: str, body: bytes) -> Call:
        """Return the model, be it by the older name of the member."""
        asked = {name.lower(): value for name, value in (decode(_decoder, body) or {}).items()}
        model = asked.get("model") or asked.get("name")
        return Call(
            operation_name=self.operation_name,
            request_model=model if isinstance(model, str) and model else None,
            is_billable=False,
        )

    def ask_for_usage(self, body: bytes) -> bytes:
        """Return *body*."""
        return body

    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter:
        """Return a reader that reports nothing used."""
        return FreeReader()

    def refuse(self, denial: Denial) -> bytes:
        """Return Ollama's error object."""
        return refuse(denial)
