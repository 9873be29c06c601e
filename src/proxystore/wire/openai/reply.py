"""What a response says besides its content: the same fields in a document and in each event of a stream."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from proxystore.values import Usage
from proxystore.wire.lenient import decode
from proxystore.wire.openai.usage import usage_in, usage_in_timings


class Choice(msgspec.Struct):
    """One of the answers, or a part of it, of which only the reason is read why it stops."""

    finish_reason: Any = None


class Reply(msgspec.Struct):
    """A document or an event; the content is passed over without being decoded.

    Attributes:
        model: The model that answers.
        choices: Empty in events that tell of something else.
        usage: ``null`` in most events of a stream.
        error: Told by some in place of a status that was sent long ago.
        kind: ``error`` is what vLLM said before it learned to say ``error``.
        x_groq: Where Groq puts usage and errors of streams.
        timings: What llama.cpp tells without being asked.
        service_tier: How fast, and for how much, the answer was made.
    """

    model: Any = None
    choices: list[Choice] | None = None
    usage: Any = None
    error: Any = None
    kind: Any = msgspec.field(default=None, name="object")
    x_groq: Any = None
    timings: Any = None
    service_tier: Any = None

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing here but content."""
        return (
            self.usage is None
            and self.timings is None
            and self.error is None
            and self.x_groq is None
            and self.kind != "error"
        )


class _Odd(Reply):
    """A reply whose choices are something else than choices."""

    choices: Any = None


_LONGEST_REASON: Final = 40
_find_finish: Final = re.compile(rb'"finish_reason": ?"([a-z_]{1,40})"').search

decoder: Final = msgspec.json.Decoder(Reply)
_odd_decoder: Final = msgspec.json.Decoder(_Odd)


def read_reply(text: bytes) -> Reply | None:
    """Return what *text* says, ``None`` if it cannot be read."""
    return decode(decoder, text) or decode(_odd_decoder, text)


class Listener:
    """What has been heard of one response.

    Attributes:
        usage: The last that was told, for some tell a running count with every event.
        finish_reason: Why the model stopped; of several choices, the last to stop.
        estimated_output_tokens: The events of content that were seen: each is about a token. A document has none.
        is_ended: Whether the mark at the end of a stream has been seen.
        is_failed: Whether an error was told.
    """

    __slots__ = ("_is_told", "estimated_output_tokens", "finish_reason", "is_ended", "is_failed", "usage")

    def __init__(self) -> None:
        self.usage = Usage()
        self.finish_reason: str | None = None
        self.estimated_output_tokens = 0
        self.is_ended = False
        self.is_failed = False
        self._is_told = False

    def hear(self, reply: Reply) -> None:
        """Take note of what *reply* says."""
        if isinstance(reply.choices, list):
            self.hear_choices(reply.choices)
        if reply.is_quiet and reply.model == self.usage.response_model:
            return
        groq = reply.x_groq if isinstance(reply.x_groq, dict) else {}
        if reply.error or reply.kind == "error" or groq.get("error"):
            self.is_failed = True
        model = self._model(reply)
        told = usage_in(reply.usage, model, reply.service_tier) or usage_in(groq.get("usage"), model)
        if told is not None:
            self.usage, self._is_told = told, True
        elif not self._is_told and (timed := usage_in_timings(reply.timings, model)) is not None:
            self.usage = timed
        elif model != self.usage.response_model:
            self.usage = msgspec.structs.replace(self.usage, response_model=model)

    def hear_choices(self, choices: list[Choice]) -> None:
        """Take note of why the model stopped, if one of *choices* says so."""
        for choice in choices:
            reason = choice.finish_reason
            if reason is not None and isinstance(reason, str) and 0 < len(reason) <= _LONGEST_REASON:
                self.finish_reason = reason

    def hear_finish(self, data: bytes) -> None:
        """Take note of why the model stopped, if *data*, several events, says so.

        The text is searched, not read: inside a string the quotes of these words would be escaped.
        """
        if (found := _find_finish(data)) is not None:
            self.finish_reason = found[1].decode()

    def _model(self, reply: Reply) -> str | None:
        is_named = isinstance(reply.model, str) and reply.model
        return reply.model if is_named else self.usage.response_model
