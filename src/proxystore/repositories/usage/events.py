"""Reading events one by one, as statements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, select

from proxystore.database import Query
from proxystore.records import UsageEvent
from proxystore.repositories.usage.grouping import FILTERS, Filters
from proxystore.schema.usage import BILLED, usage_events, usage_series

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EVENTS: Final = select(
    *(column for column in usage_events.c if column.name not in ("series_id", "latency_bin")),
    *(column for column in usage_series.c if column.name != "id"),
).join(usage_series, usage_series.c.id == usage_events.c.series_id)
_event_id: Final = usage_events.c.event_id
_FILTERS: Final[Mapping[str, ColumnElement[bool]]] = {
    **FILTERS,
    "before": _event_id < bindparam("before"),
    "after": _event_id > bindparam("after"),
    "since": _event_id >= bindparam("since"),
    "until": _event_id < bindparam("until"),
    "outcome": usage_events.c.outcome == bindparam("outcome"),
    "end_user": usage_events.c.end_user == bindparam("end_user"),
}


def _event(
    *,
    event_id: UUID,
    project_id: str,
    key_id: str,
    credential_id: str,
    request_model: str,
    response_model: str,
    **rest: Any,
) -> UsageEvent:
    """Return a row as the record; the time is in the id, and '' stands for none."""
    return UsageEvent(
        event_id=event_id,
        started_at=_EPOCH + timedelta(milliseconds=event_id.int >> 80),
        project_id=project_id or None,
        key_id=key_id or None,
        credential_id=credential_id or None,
        request_model=request_model or None,
        response_model=response_model or None,
        **(rest | {name: rest[name] or 0 for name in BILLED}),
    )


@cache
def list_query(filters: Filters, *, is_oldest_first: bool = False) -> Query[UsageEvent]:
    """Return the statement that lists events through *filters*, newest first; it takes ``limit`` beside them."""
    chosen: Select[Any] = _EVENTS.where(*(_FILTERS[name] for name in sorted(filters)))
    return Query(
        chosen.order_by(_event_id.asc() if is_oldest_first else _event_id.desc()).limit(bindparam("limit")), _event
    )


FIND: Final = Query(_EVENTS.where(usage_events.c.event_id == bindparam("event_id")), _event)
"""The event with an id."""
