"""What a key's roll-ups say of its use: nothing of it is kept with the key, so that no request writes there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import BigInteger, Select, Table, bindparam, cast, func, select

from proxystore.database import Database, Query
from proxystore.records import KeyRecord
from proxystore.schema.usage import usage_daily, usage_hourly, usage_series

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Use(NamedTuple):
    key_id: str
    last: int
    requests: int
    cache_hits: int


def _sums(table: Table, period: str) -> Select[Any]:
    passed = table.c.requests - table.c.refusals - table.c.cache_hits
    return (
        select(
            usage_series.c.key_id,
            func.max(table.c[period]).label("last"),
            cast(func.sum(passed), BigInteger).label("requests"),
            cast(func.sum(table.c.cache_hits), BigInteger).label("cache_hits"),
        )
        .select_from(usage_series.join(table, table.c.series_id == usage_series.c.id))
        .where(
            usage_series.c.key_id.in_(bindparam("keys", expanding=True, type_=usage_series.c.key_id.type)),
            table.c.requests > table.c.refusals,
        )
        .group_by(usage_series.c.key_id)
    )


_DAYS: Final = Query(_sums(usage_daily, "day"), _Use)
_HOURS: Final = Query(_sums(usage_hourly, "hour").where(usage_hourly.c.hour >= bindparam("since")), _Use)


async def with_usage(database: Database, keys: Sequence[KeyRecord]) -> list[KeyRecord]:
    """Return *keys* with when and how much they were used."""
    if not keys:
        return []
    names = [key.id for key in keys]
    days = {use.key_id: use for use in await database.fetch_all(_DAYS, keys=names)}
    if not days:
        return list(keys)
    first_day = min(use.last for use in days.values())
    hours = {use.key_id: use.last for use in await database.fetch_all(_HOURS, keys=names, since=first_day * 24)}
    return [_filled(key, days.get(key.id), hours.get(key.id)) for key in keys]


def _filled(key: KeyRecord, use: _Use | None, hour: int | None) -> KeyRecord:
    if use is None:
        return key
    return msgspec.structs.replace(
        key,
        last_used_at=_EPOCH + timedelta(hours=use.last * 24 if hour is None else hour),
        request_count=use.requests,
        cache_hit_count=use.cache_hits,
    )
