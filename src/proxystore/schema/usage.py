"""What was used: events, the series they belong to, and their roll-ups.

An event names its dimensions by the id of an interned series, which keeps it near 150 bytes and gives the roll-ups a
key of two columns. No foreign keys here: the ledger writes thousands of these a second, and usage outlives its key.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from proxystore.schema.metadata import metadata
from proxystore.schema.types import Code, Id, Json, TraceParent
from proxystore.values import TOKENS

OUTCOMES: Final = ("complete", "cached", "refused", "failed", "disconnected")
FINISH_REASONS: Final = ("other", "stop", "length", "tool_calls", "content_filter", "function_call", "error")
QUALITIES: Final = ("reported", "estimated", "inconsistent", "unclassified", "missing")
BILLED: Final = (*TOKENS, "billed_requests", "billed_ms")
"""What is billed, by the token, by the piece and by the time."""

ROLLUPS_LOCK: Final = 0x70726F78797A
"""PostgreSQL's advisory lock on all roll-ups: writers share it, who makes them anew does not."""

# Dimensions are NOT NULL, with '' for "none": a unique constraint takes NULLs for different from each other.
usage_series = Table(
    "usage_series",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("project_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("credential_id", Text, nullable=False),
    Column("provider_name", Text, nullable=False),
    Column("operation_name", Text, nullable=False),
    Column("request_model", Text, nullable=False),
    Column("response_model", Text, nullable=False),
    UniqueConstraint(
        "project_id",
        "key_id",
        "credential_id",
        "provider_name",
        "operation_name",
        "request_model",
        "response_model",
        name="uq_usage_series_dimensions",
    ),
    Index(None, "key_id"),
)

# The id is a UUIDv7 of the request's start: rows lie in the order of time, and PostgreSQL can partition by it.
# Of what is billed 0 is kept as NULL: most of it is 0, and PostgreSQL gives NULL no room.
usage_events = Table(
    "usage_events",
    metadata,
    Column("event_id", Id, primary_key=True),
    Column("series_id", Integer, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("outcome", Code(OUTCOMES), nullable=False),
    Column("quality", Code(QUALITIES), nullable=False),
    Column("first_byte_ms", Integer),
    Column("latency_ms", Integer, nullable=False),
    *(Column(name, Integer) for name in BILLED),
    Column("cost_nanousd", BigInteger),
    Column("saved_nanousd", BigInteger),
    Column("latency_bin", SmallInteger),
    Column("finish_reason", Code(FINISH_REASONS)),
    Column("traceparent", TraceParent),
    Column("end_user", Text),
    Column("metadata", Json),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (event_id)",
)


ROLLUP_TOTALS: Final = (
    "requests",
    "successes",
    "errors",
    "refusals",
    "cache_hits",
    "unpriced",
    "estimated",
    "latency_ms",
    *TOKENS,
    "billed_requests",
    "billed_ms",
    "cost_nanousd",
    "saved_nanousd",
)
"""What a roll-up sums; every one an integer, so that a rebuilt roll-up equals the first to the byte."""


def _rollup(name: str, period: str) -> Table:
    return Table(
        name,
        metadata,
        Column(period, Integer, primary_key=True, autoincrement=False),
        Column("series_id", Integer, primary_key=True, autoincrement=False),
        *(Column(total, BigInteger, nullable=False, server_default=text("0")) for total in ROLLUP_TOTALS),
        sqlite_with_rowid=False,
    )


usage_hourly = _rollup("usage_hourly", "hour")
"""Totals by hours since 1970, UTC, and series."""

usage_daily = _rollup("usage_daily", "day")
"""Totals by days since 1970, UTC, and series."""


def _latencies(name: str, period: str) -> Table:
    return Table(
        name,
        metadata,
        Column(period, Integer, primary_key=True, autoincrement=False),
        Column("series_id", Integer, primary_key=True, autoincrement=False),
        Column("histogram", LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


usage_latency_hourly = _latencies("usage_latency_hourly", "hour")
"""How long answers took, by hour and series: `proxystore.histograms` each."""

usage_latency_daily = _latencies("usage_latency_daily", "day")
"""How long answers took, by day and series."""
