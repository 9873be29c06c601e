"""What a reader passes on of its listener."""

from __future__ import annotations

from proxystore.values import Usage
from proxystore.wire.reading.listener import Listener


class Reader:
    """Cuts a response into pieces; what they say is told by its listener.

    Args:
        listener: Told what the response says.

    Attributes:
        is_ended: Whether what has passed is what clients take for the end.
    """

    __slots__ = ("_listener", "is_ended")

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.is_ended = False

    @property
    def finish_reason(self) -> str | None:
        """Why the model stopped."""
        return self._listener.finish_reason

    @property
    def is_failed(self) -> bool:
        """Whether an error was told."""
        return self._listener.is_failed


class StreamReader(Reader):
    """Cuts a response that comes bit by bit.

    Attributes:
        estimated_output_tokens: How many pieces of content have passed: each is about a token.
    """

    __slots__ = ("estimated_output_tokens",)

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self.estimated_output_tokens = 0

    @property
    def usage(self) -> Usage:
        """What has been told so far."""
        return self._listener.usage(self.estimated_output_tokens)
