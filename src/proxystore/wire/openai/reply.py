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
        usage: ``null`` in most events of a stream; in others a running count, of which only the last is read.
        error: Told by some in place of a status that was sent long ago.
        kind: ``error`` is what vLLM said before it learned to say ``error``.
        x_groq: Where Groq puts usage and errors of streams.
        timings: What llama.cpp tells without being asked.
        service_tier: How fast, and for how much, the answer was made.
    """

    model: Any = None
    choices: list[Choice] | None = None
    usage: msgspec.Raw = msgspec.Raw(b"")
    error: Any = None
    kind: Any = msgspec.field(default=None, name="object")
    x_groq: Any = None
    timings: Any = None
    service_tier: Any = None


class _Odd(Reply):
    """A reply whose choices are something else than choices."""

    choices: Any = None


NOTHING: Final = len(b"null")
"""No usage that is as short as that says anything."""

_LONGEST_REASON: Final = 40
_find_finish: Final = re.compile(rb'"finish_reason": ?"([a-z_]{1,40})"').search

decoder: Final = msgspec.json.Decoder(Reply)
_odd_decoder: Final = msgspec.json.Decoder(_Odd)
usage_decoder: Final = msgspec.json.Decoder(dict[str, Any])


def read_reply(text: bytes) -> Reply | None:
    """Return what *text* says, ``None`` if it cannot be read."""
    reply = decode(decoder, text)
    if reply is not None:
        return reply
    odd = decode(_odd_decoder, text)
    if odd is not None and odd.choices != []:
        odd.choices = None
    return odd


class Listener:
    """What has been heard of one response.

    Attributes:
        model: The one that answers, if it says so.
        finish_reason: Why the model stopped; of several choices, the last to stop.
        is_ended: Whether the mark at the end of a stream has been seen.
        is_failed: Whether an error was told.
    """

    __slots__ = (
        "_raw",
        "_tier",
        "_timed",
        "_told",
        "finish_reason",
        "is_ended",
        "is_failed",
        "model",
    )

    def __init__(self) -> None:
        self.model: str | None = None
        self.finish_reason: str | None = None
        self.is_ended = False
        self.is_failed = False
        self._raw: msgspec.Raw | None = None
        self._tier: object = None
        self._told = _NO_USAGE
        self._timed = _NO_USAGE

    @property
    def usage(self) -> Usage:
        """The last that was told, for some tell a running count with every event."""
        if self._raw is not None:
            raw, self._raw = self._raw, None
            told = decode(usage_decoder, raw)
            self._told = usage_in(told, self.model, self._tier) or self._told
        usage = self._timed if self._told.quality == "missing" else self._told
        if usage.response_model == self.model:
            return usage
        return msgspec.structs.replace(usage, response_model=self.model)

    def hear(self, reply: Reply) -> None:
        """Take note of what *reply* says."""
        if reply.choices:
            self.hear_choices(reply.choices)
        if isinstance(reply.model, str) and reply.model:
            self.model = reply.model
        is_told = len(reply.usage) > NOTHING
        if is_told:
            self._raw, self._tier = reply.usage, reply.service_tier
        if reply.error is None and reply.timings is None and reply.x_groq is None and reply.kind != "error":
            return
        groq = reply.x_groq if isinstance(reply.x_groq, dict) else {}
        if reply.error or reply.kind == "error" or groq.get("error"):
            self.is_failed = True
        if not is_told and (told := usage_in(groq.get("usage"), self.model)) is not None:
            self._raw, self._told = None, told
        self._timed = usage_in_timings(reply.timings, self.model) or self._timed

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


_NO_USAGE: Final = Usage()
