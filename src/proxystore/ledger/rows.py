"""Events as rows: a whole batch travels as one JSON parameter and is taken apart by the database.

That is one call into the driver however many events there are, and the interpreter's lock is free meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import FromClause, bindparam, cast, column, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.types import BigInteger, Integer, SmallInteger, Text, TypeEngine, Uuid

from proxystore.ids import milliseconds_of
from proxystore.ledger.entries import UsageEntry
from proxystore.schema.usage import OUTCOMES, QUALITIES, TOKENS

Dialect = Literal["sqlite", "postgresql"]

_HOUR_MS: Final = 3_600_000
_FAULTY: Final = 400  # statuses from here on tell of an error, wherever it was made
_OUTCOME_CODES: Final = {word: code for code, word in enumerate(OUTCOMES)}
_QUALITY_CODES: Final = {word: code for code, word in enumerate(QUALITIES)}
_AS_THEY_ARE: Final = ("status", "first_byte_ms", "latency_ms", *TOKENS, "billed_requests", "billed_ms", "cost_nanousd")
_SMALL: Final = ("outcome", "quality", "successes", "errors", "refusals", "cache_hits", "unpriced", "estimated")
_as_they_are: Final = attrgetter(*_AS_THEY_ARE)

EVENT_COLUMNS: Final = ("series_id", "outcome", "quality", *_AS_THEY_ARE)
"""The columns of ``usage_events`` beside its key."""

ROW_TYPES: Final[Mapping[str, TypeEngine[Any]]] = {
    "event_id": Uuid(),
    **dict.fromkeys(("series_id", "hour", "day"), Integer()),
    **dict.fromkeys(_SMALL, SmallInteger()),
    **dict.fromkeys(_AS_THEY_ARE, Integer()),
    "cost_nanousd": BigInteger(),
}
"""What a row has, in this order: the event, its hour and day, and what it adds to a roll-up beside its own numbers."""

Row = tuple[Any, ...]


def row(entry: UsageEntry, series_id: int) -> Row:
    """Return *entry* as a row."""
    outcome, quality, cost = entry.outcome, entry.quality, entry.cost_nanousd
    hour = milliseconds_of(entry.event_id) // _HOUR_MS
    is_answered = outcome in ("complete", "cached")
    return (
        entry.event_id,
        series_id,
        hour,
        hour // 24,
        _OUTCOME_CODES[outcome],
        _QUALITY_CODES[quality],
        int(is_answered and entry.status < _FAULTY),
        int(outcome == "failed" or (is_answered and entry.status >= _FAULTY)),
        int(outcome == "refused"),
        int(outcome == "cached"),
        int(cost is None and outcome not in ("refused", "cached")),
        int(quality == "estimated"),
        *_as_they_are(entry),
    )


def event_id(one: Row) -> UUID:
    """Return the event's id in a row."""
    identity: UUID = one[0]
    return identity


def encoded(rows: Iterable[Row]) -> str:
    """Return *rows* as the one parameter that carries them."""
    return msgspec.json.encode(list(rows)).decode()


def encoded_with_names(rows: Iterable[Row], names: Iterable[str]) -> str:
    """Return *rows* as the one parameter that carries them, the values of each named."""
    keys = tuple(names)
    return msgspec.json.encode([dict(zip(keys, one, strict=True)) for one in rows]).decode()


def rows_in_arrays(types: Mapping[str, TypeEngine[Any]]) -> FromClause:
    """Return the table that SQLite makes of `encoded` rows; its column ``position`` counts from 0."""
    each = func.json_each(bindparam("rows", type_=Text())).table_valued("key", "value", name="each")
    values = (
        func.json_extract(each.c.value, literal_column(f"'$[{place}]'"), type_=kind).label(name)
        for place, (name, kind) in enumerate(types.items())
    )
    return select(*values, each.c.key.label("position")).subquery("source")


def rows_in_objects(types: Mapping[str, TypeEngine[Any]]) -> FromClause:
    """Return the table that PostgreSQL makes of `encoded_with_names` rows."""
    columns = (column(name, kind) for name, kind in types.items())
    recordset = func.json_to_recordset(cast(bindparam("rows", type_=Text()), JSON)).table_valued(*columns)
    return recordset.render_derived(name="source", with_types=True)
