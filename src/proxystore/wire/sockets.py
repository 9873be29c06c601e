"""APIs that are spoken over a WebSocket: each message may be a request, and several answer it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Protocol

from proxystore.values import Denial
from proxystore.wire.format import WireFormat
from proxystore.wire.paths import canonical
from proxystore.wire.reading import Listener

_find_unmetered: Final = re.compile(r"/realtime(?:/|\Z)|/(?:live|listen)\Z|[./]bidi\w+\Z").search
"""OpenAI's, LiteLLM's, Deepgram's, and Google's at its own addresses and at Vertex's."""


class SocketFormat(Protocol):
    """One API's way of conversing: stateless, pure, never raises. One response at a time is under way."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The path endings of the WebSockets that it is spoken on."""

    @property
    def format(self) -> WireFormat:
        """How a request reads once it has been made, and how the opening is refused."""

    def request_in(self, message: bytes) -> bytes | None:
        """Return what the client asks in *message*, as the body of a request; ``None`` if it asks nothing.

        What cannot be read may ask something: it is a request that names no model.
        """

    def message_for(self, body: bytes) -> bytes:
        """Return the message that asks for *body*, which a plugin has edited."""

    def says_more(self, message: bytes) -> bool:
        """Return whether a *message* to the client may say more than content; must be quick."""

    def listener(self) -> Listener:
        """Return who is told the messages of one response that say more than content."""

    def refuse(self, denial: Denial) -> bytes:
        """Return *denial* as the message that takes the place of a response."""


def spoken_on(path: str, formats: Iterable[SocketFormat]) -> SocketFormat | None:
    """Return the one of *formats* that is spoken on a WebSocket at *path*."""
    found = (each for each in formats if canonical(path).endswith(each.paths))
    return next(found, None)


def is_unmetered(path: str) -> bool:
    """Return whether what is spoken on a WebSocket at *path* costs something that we cannot read."""
    return _find_unmetered(canonical(path)) is not None
