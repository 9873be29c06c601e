"""Reading audit events, as statements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import ColumnElement, Text, bindparam, collate, func, or_, select

from proxystore.changes.links import hash_in
from proxystore.database import Query
from proxystore.records.audit import AuditEvent
from proxystore.schema.audit import audit_anchors, audit_events

Dialect: TypeAlias = Literal["sqlite", "postgresql"]
Filters: TypeAlias = frozenset[str]

_columns: Final = audit_events.c
EQUAL: Final = (
    "action",
    "actor",
    "outcome",
    "reason",
    "project_id",
    "key_id",
    "request_id",
    "correlation_id",
    "client_ip",
    "method",
    "path",
    "user_agent",
)
"""What can be asked for by its value."""

LIVING: Final = _columns.seq > func.coalesce(select(func.max(audit_anchors.c.seq)).scalar_subquery(), 0)
"""Whether an event has not been cut off; those that have are only waiting to be deleted."""

_FILTERS: Final[Mapping[str, ColumnElement[bool]]] = {
    **{name: _columns[name] == bindparam(name) for name in EQUAL},
    "before": _columns.seq < bindparam("before"),
    "after": _columns.seq > bindparam("after"),
    "since": _columns.occurred_at >= bindparam("since"),
    "until": _columns.occurred_at < bindparam("until"),
}


def _small_on_sqlite(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.instr(func.lower(column), bindparam("text", type_=Text()))


def _small_on_postgresql(column: ColumnElement[Any]) -> ColumnElement[Any]:
    # As SQLite does: A to Z alone become small, whatever the database's locale.
    return func.strpos(func.lower(collate(column, "C")), bindparam("text", type_=Text()))


_PLACE_IN: Final[Mapping[Dialect, Callable[[ColumnElement[Any]], ColumnElement[Any]]]] = {
    "sqlite": _small_on_sqlite,
    "postgresql": _small_on_postgresql,
}
"""Where a text is in a column; no LIKE, in which some characters would stand for others."""


def _event(*, hash: bytes, **rest: Any) -> AuditEvent:  # noqa: A002  the column's name
    return AuditEvent(hash=hash_in(hash).hex(), **rest)


def _containing(dialect: Dialect) -> ColumnElement[bool]:
    texts = [_columns[name] for name in EQUAL] + [func.coalesce(_columns.metadata, "", type_=Text())]
    return or_(*(_PLACE_IN[dialect](column) > 0 for column in texts))


@cache
def list_query(dialect: Dialect, filters: Filters, *, is_oldest_first: bool = False) -> Query[AuditEvent]:
    """Return the statement that lists events through *filters*, newest first; it takes ``limit`` beside them."""
    conditions = [_FILTERS[name] for name in sorted(filters - {"text"})]
    if "text" in filters:
        conditions.append(_containing(dialect))
    order = _columns.seq.asc() if is_oldest_first else _columns.seq.desc()
    chosen = select(audit_events).where(LIVING, *conditions)
    return Query(chosen.order_by(order).limit(bindparam("limit")), _event)


FIND: Final = Query(select(audit_events).where(LIVING, _columns.event_id == bindparam("event_id")), _event)
"""The event with an id."""

FIND_SEQ: Final = Query(select(audit_events).where(LIVING, _columns.seq == bindparam("seq")), _event)
"""The event at a place."""
