"""What a wire format has to know."""

from __future__ import annotations

from typing import Protocol

from proxystore.values import Call, Denial, Usage


class Meter(Protocol):
    """Reads along one response: one per response, never shared, never raises."""

    @property
    def usage(self) -> Usage:
        """What has been told so far; its quality is ``missing`` until something was."""

    @property
    def finish_reason(self) -> str | None:
        """Why the model stopped, in OpenAI's words, such as ``stop`` or ``length``; ``None`` until that was told."""

    @property
    def estimated_output_tokens(self) -> int:
        """About how many tokens of the answer have passed, for when it is over before its usage is told."""

    @property
    def is_ended(self) -> bool:
        """Whether the bytes fed so far hold the mark that a client takes for the end, such as ``[DONE]``.

        Stays false for documents: those end with their last byte.
        """

    @property
    def is_failed(self) -> bool:
        """Whether the response, whatever its status says, tells of an error."""

    def feed(self, data: bytes, *, is_last: bool) -> bytes:
        """Take the next bytes and return those to forward: *data* itself unless something has to go.

        May be told *is_last* more than once; nothing is held back after that.
        """


class WireFormat(Protocol):
    """One API's way of saying things: stateless, pure, never raises.

    A format may also have ``limit_headers(quotas, now)`` (`NamesLimits`): the headers in which its API tells what is
    left of a limit. One that has not is told them as OpenAI names them.
    """

    @property
    def name(self) -> str:
        """The name used in records and settings, such as ``openai.chat``."""

    @property
    def methods(self) -> frozenset[str]:
        """The HTTP methods it answers for, in capitals; ``GET`` for a WebSocket."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The path endings it answers for, such as ``/chat/completions`` or ``:generateContent``.

        ``{}`` stands for any text without a slash, as in ``/responses/{}/cancel``.
        """

    def read(self, path: str, body: bytes) -> Call:
        """Return what is asked for; what cannot be read is ``None``. *body* is empty while it has not been read."""

    def ask_for_usage(self, body: bytes) -> bytes:
        """Return *body* with a request for usage put in, or *body* itself if it cannot be; see ``Call.wants_usage``."""

    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter | None:
        """Return a reader for the response, or ``None`` if there is nothing to read.

        Args:
            call: What was asked for.
            content_type: The response's header, as sent.
            is_stripping: Take out what is only there because *we* asked for usage.
        """

    def refuse(self, denial: Denial) -> bytes:
        """Return *denial* as this API's error body (JSON)."""
