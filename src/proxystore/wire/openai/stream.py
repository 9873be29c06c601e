"""A response that is a stream of chunks, one per server-sent event, ``[DONE]`` at the end."""

from __future__ import annotations

import re
from typing import Final

from proxystore.wire.lenient import UNREADABLE, decode
from proxystore.wire.openai.reply import NOTHING, Listener, Reply, decoder, read_reply, usage_decoder
from proxystore.wire.sse import Splitter, data_of, name_of

_BLANK_LINES: Final = (b"\n\n", b"\n\r\n")
_DATA: Final = b"data:"
_END: Final = b"[DONE]"
_ENDS: Final = frozenset({b"data: [DONE]\n\n", b"data: [DONE]\r\n\r\n", b"data:[DONE]\n\n"})
_WORDS: Final = (_END, b"error", b'"timings"', b'"x_groq"')
_find_usage: Final = re.compile(rb'"usage"\s*:\s*\{').search
_decode: Final = decoder.decode


class Stream(Listener):
    """Reads along a stream; what comes as whole events, as nearly everything does, is not cut up to be read.

    Args:
        is_stripping: Take out the event that is only there because we asked for usage: no choices, only usage. The
            ``usage: null`` that the question puts into all other events stays, for SDKs know it and pass over it.

    Attributes:
        estimated_output_tokens: The events of content that were seen: each is about a token.
    """

    __slots__ = ("_is_between", "_is_stripping", "_splitter", "estimated_output_tokens")

    def __init__(self, *, is_stripping: bool) -> None:
        super().__init__()
        self.estimated_output_tokens = 0
        self._is_stripping = is_stripping
        self._is_between = True
        self._splitter = Splitter()

    def feed(self, data: bytes, *, is_last: bool) -> bytes:
        """Take the next bytes; return them, or what is left of them and of what was held back."""
        if self._is_between and data.startswith(_DATA) and data.endswith(_BLANK_LINES):
            try:
                reply = _decode(data[5:])
            except UNREADABLE:
                if data in _ENDS:
                    self.is_ended = True
                    return data
                if self.model is not None and not _says_more(data):  # several events, as a rule
                    self.estimated_output_tokens += data.count(_DATA)
                    self.hear_finish(data)
                    return data
            else:  # one event, as a rule
                return b"" if self._is_answer_to_us(reply) else data
        return self._read(data, is_last=is_last)

    def _read(self, data: bytes, *, is_last: bool) -> bytes:
        pieces = self._splitter.feed(data, is_last=is_last)
        kept = [piece.text for piece in pieces if not (piece.is_event and self._is_ours(piece.text))]
        self._look_ahead(self._splitter.held)
        self._is_between = self._splitter.is_between
        if not self._is_stripping:
            return data
        forward = b"".join(kept)
        return data if forward == data else forward

    def _look_ahead(self, held: bytes) -> None:
        # SDKs take whatever starts with the mark for the end, some without waiting for the empty line behind it.
        if _END in held and data_of(held).startswith(_END):
            self.is_ended = True

    def _is_ours(self, event: bytes) -> bool:
        """Read *event*; tell whether it has to go."""
        data = data_of(event)
        if data.startswith(_END):
            self.is_ended = True
            return False
        if b"error" in event and name_of(event) == b"error":
            self.is_failed = True
        reply = read_reply(data)
        return reply is not None and self._is_answer_to_us(reply)

    def _is_answer_to_us(self, reply: Reply) -> bool:
        """Hear *reply*; tell whether it is only there because we asked for usage."""
        if (
            len(reply.usage) <= NOTHING
            and reply.error is None
            and reply.kind != "error"
            and reply.timings is None
            and reply.x_groq is None
        ):
            self.estimated_output_tokens += 1
            if reply.model == self.model and reply.choices.__class__ is list:
                for choice in reply.choices:
                    if choice.finish_reason is not None:
                        self.hear_choices(reply.choices)
                return False
        self.hear(reply)
        if not self._is_stripping or reply.choices != [] or reply.error:
            return False
        return decode(usage_decoder, reply.usage) is not None


def _says_more(data: bytes) -> bool:
    """Return whether *data*, some events, may say more than content; searching them is faster than reading each."""
    return any(word in data for word in _WORDS) or (b'"usage"' in data and _find_usage(data) is not None)
