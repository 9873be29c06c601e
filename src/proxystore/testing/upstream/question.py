"""What a client asked."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import msgspec

from proxystore.exchange.asgi import Scope
from proxystore.exchange.multipart import FieldSeeker, boundary_of

_find_model: Final = re.compile(
    r"/(?:models|deployments)/(.+?)(?::[A-Za-z]+|/(?:chat|completions|embeddings|images|audio)\b.*)\Z"
).search


class Seen(NamedTuple):
    """A request as it arrived."""

    path: str
    headers: dict[bytes, bytes]
    body: bytes


class Question(NamedTuple):
    """A request that was read.

    Attributes:
        method, path: As in HTTP.
        asked: The JSON, or the fields of a form that matter; empty if there is none.
        model: The one that is named, in the path or in the body.
        wants_events: Whether the query asks for events (``alt=sse``).
    """

    method: str
    path: str
    asked: dict[str, Any]
    model: str
    wants_events: bool

    @classmethod
    def read(cls, scope: Scope, body: bytes) -> Question:
        """Return what is asked.

        Raises:
            msgspec.DecodeError: It is no JSON object.
        """
        asked = _form(scope, body) if body else {}
        if asked is None:
            asked = msgspec.json.decode(body, type=dict[str, Any])
        named = _find_model(scope["path"])
        model = named[1] if named else asked.get("model")
        query: bytes = scope.get("query_string", b"")
        return cls(scope["method"], scope["path"], asked, str(model), b"alt=sse" in query)


def _form(scope: Scope, body: bytes) -> dict[str, Any] | None:
    """Return what a form says, ``None`` if it is none."""
    boundary = boundary_of(dict(scope["headers"]).get(b"content-type", b""))
    if boundary is None:
        return None
    asked: dict[str, Any] = {}
    for name in ("model", "response_format", "stream"):
        seeker = FieldSeeker(boundary, name.encode())
        seeker(bytearray(body))
        if seeker.value is not None:
            asked[name] = seeker.value.decode()
    asked["stream"] = asked.get("stream") == "true"
    return asked


def count_words(said: object) -> int:
    """Return how many words *said* has, in whatever way an API writes a conversation."""
    if isinstance(said, list):
        return sum(map(count_words, said))
    if isinstance(said, dict):
        return sum(count_words(said[name]) for name in ("content", "text", "parts") if name in said)
    return len(str(said or "").split())
