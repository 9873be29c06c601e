"""Events as rows: a whole batch travels as one JSON parameter and is taken apart by the database.

That is one call into the driver however many events there are, and the interpreter's lock is free meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import FromClause, bindparam, cast, column, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.types import BigInteger, Integer, SmallInteger, Text, TypeEngine, Uuid

from proxystore.ledger.entries import UsageEntry
from proxystore.ledger.ids import milliseconds_of
from proxystore.schema.usage import OUTCOMES, QUALITIES, TOKENS

_HOUR_MS: Final = 3_600_000
_FAULTY: Final = 400  # statuses from here on tell of an error, wherever it was made
_OUTCOME_CODES: Final = {word: code for code, word in enumerate(OUTCOMES)}
_QUALITY_CODES: Final = {word: code for code, word in enumerate(QUALITIES)}
_AS_THEY_ARE: Final = ("status", "first_byte_ms", "latency_ms", *TOKENS, "billed_requests", "billed_ms", "cost_nanousd")
_FLAGS: Final = ("successes", "errors", "refusals", "cache_hits", "unpriced", "estimated")

EVENT_COLUMNS: Final = ("series_id", "outcome", "quality", *_AS_THEY_ARE)
"""The columns of ``usage_events`` beside its key."""

ROW_TYPES: Final[Mapping[str, TypeEngine[Any]]] = {
    "event_id": Uuid(),
    "hour": Integer(),
    "day": Integer(),
    **dict.fromkeys(EVENT_COLUMNS, Integer()),
    **dict.fromkeys(("status", "outcome", "quality", *_FLAGS), SmallInteger()),
    "cost_nanousd": BigInteger(),
}


def row(entry: UsageEntry, series_id: int) -> dict[str, object]:
    """Return *entry* as a row, with its hour, its day, and what it adds to a roll-up beside its own numbers."""
    values: dict[str, object] = {name: getattr(entry, name) for name in _AS_THEY_ARE}
    hour = milliseconds_of(entry.event_id) // _HOUR_MS
    is_answered = entry.outcome in ("complete", "cached")
    values.update(
        event_id=entry.event_id,
        series_id=series_id,
        outcome=_OUTCOME_CODES[entry.outcome],
        quality=_QUALITY_CODES[entry.quality],
        hour=hour,
        day=hour // 24,
        successes=int(is_answered and entry.status < _FAULTY),
        errors=int(entry.outcome == "failed" or (is_answered and entry.status >= _FAULTY)),
        refusals=int(entry.outcome == "refused"),
        cache_hits=int(entry.outcome == "cached"),
        unpriced=int(entry.cost_nanousd is None and entry.outcome not in ("refused", "cached")),
        estimated=int(entry.quality == "estimated"),
    )
    return values


def encoded(rows: Iterable[Mapping[str, object]]) -> str:
    """Return *rows* as the one parameter that carries them."""
    return msgspec.json.encode(list(rows)).decode()


def rows_in_json(dialect: Literal["sqlite", "postgresql"], types: Mapping[str, TypeEngine[Any]]) -> FromClause:
    """Return the table that the parameter ``rows`` is taken apart into, its columns as *types* says.

    On SQLite it has one more, ``position``, from 0.
    """
    if dialect == "postgresql":
        parameter = cast(bindparam("rows", type_=Text()), JSON)
        columns = (column(name, kind) for name, kind in types.items())
        return func.json_to_recordset(parameter).table_valued(*columns).render_derived(name="source", with_types=True)
    each = func.json_each(bindparam("rows", type_=Text())).table_valued("key", "value", name="each")
    extracted = (func.json_extract(each.c.value, literal_column(f"'$.{name}'")).label(name) for name in types)
    return select(*extracted, each.c.key.label("position")).subquery("source")
