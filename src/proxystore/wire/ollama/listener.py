"""What an answer says, as a document, or on the lines of a stream, of which the last tells what was used."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from proxystore.values import Usage
from proxystore.wire.lenient import decode
from proxystore.wire.openai.usage import usage_in
from proxystore.wire.reading import Hearing

WORDS: Final = (b'"done":true', b'"done": true', b'eval_count"', b'"error"', b'"usage"')
"""What lines contain that say more than content, one of them at least."""

PLAIN: Final = b'"done":false}\n'
"""How lines end that say no more than content."""

_PREPARING: Final = frozenset({"load", "unload"})
_LONGEST_REASON: Final = 40
_find_counts: Final = re.compile(rb'"(prompt_eval_count|eval_count)"\s*:\s*(\d{1,18})').findall
_find_texts: Final = re.compile(rb'"(model|done_reason)"\s*:\s*"([\w.:/ -]{1,200})"').findall


class _Said(msgspec.Struct):
    """A document or a line; the content is passed over without being decoded."""

    model: Any = None
    done: Any = None
    done_reason: Any = None
    prompt_eval_count: Any = None
    eval_count: Any = None
    error: Any = None
    usage: Any = None


_decoder: Final = msgspec.json.Decoder(_Said)


class AnswerListener(Hearing):
    """Hears one answer (a `Listener`)."""

    __slots__ = ()

    def hear(self, said: bytes) -> bool:
        """Take note of a document or a line."""
        told = decode(_decoder, said)
        if told is None:
            return False
        if told.error:
            self.is_failed = True
        self._hear(told)
        return True

    def hear_part(self, head: bytes, tail: bytes) -> None:
        """Take note of a line too long to keep: before the counts stands all that was said so far, as numbers."""
        counts: dict[str, Any] = {name.decode(): int(count) for name, count in _find_counts(tail)}
        texts = {name.decode(): text.decode() for name, text in _find_texts(head + tail)}
        self._hear(_Said(**counts, **texts, done=bool(counts)))

    def _hear(self, told: _Said) -> None:
        model = told.model if isinstance(told.model, str) and told.model else None
        reason = told.done_reason
        is_told = isinstance(reason, str) and 0 < len(reason) <= _LONGEST_REASON
        counts = {"prompt_tokens": told.prompt_eval_count, "completion_tokens": told.eval_count}
        usage = usage_in(counts, model) or usage_in(told.usage, model)
        if usage is None and told.done is True and is_told and reason in _PREPARING:
            usage = Usage(quality="reported", response_model=model)  # nothing was said: a model was loaded, or put away
        if usage is not None:
            self._usage = usage
        elif model is not None:
            self._usage = msgspec.structs.replace(self._usage, response_model=model)
        if told.done is True:
            self.is_ended = True
            self.finish_reason = reason if is_told else "stop"
