"""What the journal holds: *begin* when a request is dispatched, *end* with the whole event.

An entry is JSON, a few hundred bytes. What does not fit its column is made to fit, so that no entry is poison by its
values: when it is read, for which no request waits; and when it is written, if it could not be written as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec

from proxystore.values import LONGEST_OWNER, TOKENS, Hold, Outcome, Quality

LONGEST_ID: Final = 100
LONGEST_MODEL: Final = 200
MOST: Final = 2**31 - 1
MOST_NANOUSD: Final = 10**15
"""A million dollars for one request: a roll-up of nine thousand such still fits its column."""

LONGEST_METADATA: Final = 1_000
"""Bytes of JSON; of more, nothing is kept."""

_LONGEST_ENTRY: Final = 16_384
_is_traceparent: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}").fullmatch


class Begin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request was handed to the proxy; if its process dies, this becomes a ``failed`` event.

    Attributes:
        event_id: The UUIDv7 of the exchange; its time is the start.
        project_id, key_id, credential_id: Who; ``None`` is nobody in particular.
        provider_name, operation_name, request_model: What is asked of whom.
        hold: What it was promised of budgets.
        input_tokens, output_tokens: About how much that will be, where nothing was promised.
        is_free: Whether it costs nothing if its process dies.
    """

    event_id: UUID
    project_id: str | None = None
    key_id: str | None = None
    credential_id: str | None = None
    provider_name: str = ""
    operation_name: str = ""
    request_model: str | None = None
    hold: tuple[Hold, ...] | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    is_free: bool = False


class UsageEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One finished exchange, as it will be a row of ``usage_events``.

    Attributes:
        event_id: A UUIDv7 whose time is the exchange's start; what has this id already is not counted again.
        project_id, key_id, credential_id: Who used it; ``None`` is nobody in particular.
        provider_name, operation_name: Such as ``openai`` and ``chat``.
        request_model, response_model: The model asked for, and the one that answered.
        status: The HTTP status, 0 if none was sent.
        outcome: How it ended.
        quality: How much the numbers can be trusted.
        first_byte_ms, latency_ms: Milliseconds from the start.
        input_tokens … unclassified_tokens: The disjoint buckets of `proxystore.Usage`.
        billed_requests, billed_ms: What is billed by the piece and by the time.
        cost_nanousd: Nano-dollars; ``None`` where no price is known.
        saved_nanousd: What an answer from the cache would have cost; ``None`` if it was none, or no price is known.
        finish_reason: Why the model stopped, such as ``stop`` or ``length``; what is none of the usual is ``other``.
        end_user: On whose behalf the caller asked, as far as that is kept.
        traceparent: The trace it is a part of, as W3C writes it.
        metadata: What plugins add, a few words and numbers.
        hold: What it was promised of budgets: what it used of that is not held any more.
    """

    event_id: UUID
    project_id: str | None = None
    key_id: str | None = None
    credential_id: str | None = None
    provider_name: str = ""
    operation_name: str = ""
    request_model: str | None = None
    response_model: str | None = None
    status: int = 0
    outcome: Outcome = "complete"
    quality: Quality = "missing"
    first_byte_ms: int | None = None
    latency_ms: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    input_audio_tokens: int = 0
    input_image_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    output_audio_tokens: int = 0
    output_image_tokens: int = 0
    unclassified_tokens: int = 0
    billed_requests: int = 0
    billed_ms: int = 0
    cost_nanousd: int | None = None
    saved_nanousd: int | None = None
    finish_reason: str | None = None
    end_user: str | None = None
    traceparent: str | None = None
    metadata: dict[str, str | int] | None = None
    hold: tuple[Hold, ...] | None = None


_Entry = TypeVar("_Entry", Begin, UsageEntry)
_Kind = TypeVar("_Kind")

_MODELS: Final = ("request_model", "response_model")
_encode: Final = msgspec.json.Encoder().encode


def encode(entry: _Entry) -> bytes:
    """Return *entry* as JSON; text and numbers that JSON or a frame could not hold are made to fit."""
    try:
        data = _encode(entry)
    except (UnicodeEncodeError, OverflowError):
        return _encode(cleaned(entry))
    return data if len(data) <= _LONGEST_ENTRY else _encode(cleaned(entry))


def cleaned(entry: _Entry) -> _Entry:
    """Return *entry* with each value within its bounds: no NUL or lone surrogate, nothing too long or too large."""
    if _fits(entry):
        return entry
    changes: dict[str, Any] = {}
    for name in type(entry).__struct_fields__:
        value = getattr(entry, name)
        if name in _CLEANERS:
            fitting: Any = _CLEANERS[name](value)
        elif isinstance(value, str):
            fitting = _clean_text(value, LONGEST_MODEL if name in _MODELS else LONGEST_ID)
        elif isinstance(value, int) and not isinstance(value, bool):
            fitting = max(0, min(value, _LARGEST.get(name, MOST)))
        else:
            continue
        if fitting is not value:
            changes[name] = fitting
    return msgspec.structs.replace(entry, **changes) if changes else entry


def _fits(entry: Begin | UsageEntry) -> bool:
    """Return whether *entry* is as nearly all are; a quick look, since there are thousands a second."""
    if isinstance(entry, Begin):
        return (
            _are_fitting(_texts_of_begin(entry))
            and (entry.hold is None or _are_sound(entry.hold))
            and 0 <= entry.input_tokens <= MOST
            and 0 <= entry.output_tokens <= MOST
        )
    return (
        _are_fitting(_texts_of_end(entry))
        and min(numbers := _numbers_of(entry)) >= 0
        and max(numbers) <= MOST
        and 0 <= entry.status <= _LARGEST["status"]
        and 0 <= (entry.first_byte_ms or 0) <= MOST
        and 0 <= (entry.cost_nanousd or 0) <= MOST_NANOUSD
        and 0 <= (entry.saved_nanousd or 0) <= MOST_NANOUSD
        and (entry.traceparent is None or _is_traceparent(entry.traceparent) is not None)
        and entry.metadata is None
        and (entry.hold is None or _are_sound(entry.hold))
    )


def _are_fitting(texts: Iterable[str | None]) -> bool:
    given = [text for text in texts if text is not None]
    joined = "".join(given)
    return joined.isascii() and "\0" not in joined and max(map(len, given)) <= LONGEST_ID


_TEXTS: Final = ("project_id", "key_id", "credential_id", "provider_name", "operation_name", "request_model")
_texts_of_begin: Final = attrgetter(*_TEXTS)
_texts_of_end: Final = attrgetter(*_TEXTS, "response_model", "finish_reason", "end_user")
_numbers_of: Final = attrgetter("latency_ms", *TOKENS, "billed_requests", "billed_ms")
_LARGEST: Final = {"cost_nanousd": MOST_NANOUSD, "saved_nanousd": MOST_NANOUSD, "status": 999}


def _clean_text(text: str, longest: int) -> str:
    if len(text) <= longest and text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "")[:longest].encode("utf-8", "replace").decode()


def _clean_traceparent(text: str | None) -> str | None:
    return text if text is not None and _is_traceparent(text) else None


def _clean_metadata(metadata: dict[str, str | int] | None) -> dict[str, str | int] | None:
    """Return *metadata* with text that a database takes; ``None`` if that is too much."""
    if not metadata:
        return None
    clean = {_clean_text(name, LONGEST_ID): _clean_value(value) for name, value in metadata.items()}
    return clean if len(_encode(clean)) <= LONGEST_METADATA else None


def _clean_value(value: str | int) -> str | int:
    return _clean_text(value, LONGEST_METADATA) if isinstance(value, str) else max(-(2**53), min(value, 2**53))


def _are_sound(holds: tuple[Hold, ...]) -> bool:
    return all(
        0 <= hold.amount <= MOST_NANOUSD and _clean_text(hold.owner, LONGEST_OWNER) == hold.owner for hold in holds
    )


def _clean_hold(holds: tuple[Hold, ...] | None) -> tuple[Hold, ...] | None:
    """Return what of *holds* a database can have promised."""
    return None if holds is None else tuple(hold for hold in holds if _are_sound((hold,)))


_CLEANERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "hold": _clean_hold,
    "traceparent": _clean_traceparent,
    "metadata": _clean_metadata,
}

_begins: Final = msgspec.json.Decoder(Begin)
_ends: Final = msgspec.json.Decoder(UsageEntry)


def decode_begin(data: bytes) -> Begin:
    """Return the *begin* in *data*, cleaned.

    Raises:
        ValueError: It is none.
    """
    return cleaned(_decoded(_begins, data))


def decode_end(data: bytes) -> UsageEntry:
    """Return the *end* in *data*, cleaned.

    Raises:
        ValueError: It is none.
    """
    return cleaned(_decoded(_ends, data))


class _Identity(msgspec.Struct):
    event_id: UUID


_identities: Final = msgspec.json.Decoder(_Identity)


def identity_in(data: bytes) -> UUID | None:
    """Return the id of the event that *data* is about, as far as that can be read."""
    try:
        return _decoded(_identities, data).event_id
    except ValueError:
        return None


def _decoded(decoder: msgspec.json.Decoder[_Kind], data: bytes) -> _Kind:
    try:
        return decoder.decode(data)
    except msgspec.MsgspecError as error:  # in older msgspecs no ValueError
        raise ValueError(str(error)) from error


def failed(begin: Begin) -> UsageEntry:
    """Return the event of a request whose process died: failed, its usage what it was promised, else an estimate."""
    promised = {} if begin.is_free else {hold.unit: hold.amount for hold in begin.hold or () if hold.amount}
    is_estimated = not begin.is_free and "tokens" not in promised
    return UsageEntry(
        event_id=begin.event_id,
        project_id=begin.project_id,
        key_id=begin.key_id,
        credential_id=begin.credential_id,
        provider_name=begin.provider_name,
        operation_name=begin.operation_name,
        request_model=begin.request_model,
        outcome="failed",
        quality="estimated",
        input_tokens=begin.input_tokens if is_estimated else 0,
        output_tokens=begin.output_tokens if is_estimated else 0,
        unclassified_tokens=min(promised.get("tokens", 0), MOST),
        cost_nanousd=0 if begin.is_free else promised.get("nanousd"),
        hold=begin.hold,
    )
