"""Events as rows, of which a batch goes into the database in one piece."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, Final, Literal, TypeAlias, get_args
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, FromClause, func
from sqlalchemy.types import BigInteger, Integer, LargeBinary, SmallInteger, Text, TypeEngine, Uuid

from proxystore.histograms import bin_of
from proxystore.ids import milliseconds_of
from proxystore.ledger.entries import UsageEntry
from proxystore.schema.usage import BILLED, FINISH_REASONS, OUTCOMES, QUALITIES

Dialect: TypeAlias = Literal["sqlite", "postgresql"]
DIALECTS: Final[tuple[Dialect, ...]] = get_args(Dialect)

_HOUR_MS: Final = 3_600_000
_OUTCOME_CODES: Final = {word: code for code, word in enumerate(OUTCOMES)}
_QUALITY_CODES: Final = {word: code for code, word in enumerate(QUALITIES)}
_FINISH_CODES: Final = {word: code for code, word in enumerate(FINISH_REASONS)}
_MONEY: Final = ("cost_nanousd", "saved_nanousd")
_AS_THEY_ARE: Final = (
    "status",
    "first_byte_ms",
    "latency_ms",
    *BILLED,
    *_MONEY,
    "end_user",
)
_CODES: Final = ("outcome", "quality", "latency_bin", "finish_reason")
_as_they_are: Final = attrgetter(*_AS_THEY_ARE)

EVENT_COLUMNS: Final = ("series_id", *_CODES, "traceparent", "metadata", *_AS_THEY_ARE)
"""The columns of ``usage_events`` beside its key."""

ROW_TYPES: Final[Mapping[str, TypeEngine[Any]]] = {
    "event_id": Uuid(),
    **dict.fromkeys(("hour", "day", "series_id"), Integer()),
    **dict.fromkeys(_CODES, SmallInteger()),
    "traceparent": LargeBinary(),
    "metadata": Text(),
    **dict.fromkeys(_AS_THEY_ARE, Integer()),
    **dict.fromkeys(_MONEY, BigInteger()),
    "end_user": Text(),
}
"""What a row has, in this order: the event's id, hour and day, then its columns."""

_TRACEPARENT: Final = tuple(ROW_TYPES).index("traceparent")

Row: TypeAlias = tuple[Any, ...]

place_of: Final = itemgetter(*map(tuple(ROW_TYPES).index, ("hour", "series_id", "latency_bin")))
"""The hour and the series of a row, and the bin of their histogram in which it counts, if it does."""

_RARE: Final = (
    ("cache_write_tokens", "cache_write_1h_tokens"),
    (
        "input_audio_tokens",
        "input_image_tokens",
        "output_audio_tokens",
        "output_image_tokens",
        "billed_requests",
        "billed_ms",
    ),
    ("saved_nanousd", "unclassified_tokens", "traceparent", "metadata", "end_user"),
)
"""Columns that mostly nothing is in, those together that come together, lest there be thousands of cases."""

_rare_of: Final = [(names, itemgetter(*map(tuple(ROW_TYPES).index, names))) for names in _RARE]


def row(entry: UsageEntry, series_id: int) -> Row:
    """Return *entry* as a row; its trace parent is bytes, for which JSON has a name of its own in each dialect."""
    hour = milliseconds_of(entry.event_id) // _HOUR_MS
    reason, trace = entry.finish_reason, entry.traceparent
    return (
        entry.event_id,
        hour,
        hour // 24,
        series_id,
        _OUTCOME_CODES[entry.outcome],
        _QUALITY_CODES[entry.quality],
        bin_of(entry.latency_ms) if entry.outcome in ("complete", "cached") else None,
        None if reason is None else _FINISH_CODES.get(reason, 0),
        None if trace is None else bytes.fromhex(trace[3:].replace("-", "")),
        None if entry.metadata is None else msgspec.json.encode(entry.metadata).decode(),
        *_as_they_are(entry),
    )


def stored(name: str, source: FromClause) -> ColumnElement[Any]:
    """Return a column of *source* as it is kept in ``usage_events``: what is billed is ``NULL`` where it is 0."""
    value: ColumnElement[Any] = source.c[name]
    return func.nullif(value, 0, type_=value.type) if name in BILLED else value


def empty_columns(rows: Iterable[Row]) -> frozenset[str]:
    """Return columns in which there is nothing, or 0, in any of *rows*: they need not go anywhere."""
    empty = (names for names, values in _rare_of if not any(map(any, map(values, rows))))
    return frozenset(chain.from_iterable(empty))


def event_id(one: Row) -> UUID:
    """Return the event's id in a row."""
    identity: UUID = one[0]
    return identity


def digits(value: bytes) -> str:
    """Return *value* as PostgreSQL reads bytes from text."""
    return f"\\x{value.hex()}"


def with_digits(rows: Iterable[Row]) -> list[Row]:
    """Return *rows* with their trace parents as PostgreSQL reads bytes from text."""
    return [
        one if one[_TRACEPARENT] is None else (*one[:_TRACEPARENT], digits(one[_TRACEPARENT]), *one[_TRACEPARENT + 1 :])
        for one in rows
    ]
