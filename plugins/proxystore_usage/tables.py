"""What is shown of summaries and events: to people what they look for, to programs everything."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from proxystore import Column, CostShare, LatencySummary, UsageEvent, UsageSummary


def _dollars(cost: Decimal) -> str:
    return f"${cost:,.6f}"


def _all_of(record: type[msgspec.Struct], *further: str) -> tuple[Column, ...]:
    return tuple(Column(name) for name in (*record.__struct_fields__, *further))


_TELLING: Final = 18  # the time, and twelve bits by chance
_COST: Final = Column("cost", "cost", _dollars)

SUMMARY_WHOLE: Final = _all_of(
    UsageSummary,
    "mean_latency_ms",
    "error_rate",
    "cache_hit_rate",
    "all_input_tokens",
    "all_output_tokens",
    "all_tokens",
    "cost",
    "saved",
)
COSTS_WHOLE: Final = _all_of(CostShare, "cost")
LATENCIES_WHOLE: Final = _all_of(LatencySummary)
EVENT_WHOLE: Final = (*_all_of(UsageEvent), _COST)
REPRICED: Final = (
    Column("day", write=str),
    Column("events"),
    Column("changed"),
    Column("nanousd", "difference", lambda nanousd: f"{Decimal(nanousd).scaleb(-9):+,.6f}"),
)


def event_columns(names: Mapping[str, str]) -> tuple[Column, ...]:
    """Return what people are shown of events, where keys are called by *names*; the id as far as one tells them by."""
    return (
        Column("event_id", "id", lambda event_id: str(event_id)[:_TELLING]),
        Column("started_at", "started"),
        Column("key_id", "key", lambda key_id: names.get(key_id, key_id), spare=2),
        Column("request_model", "model"),
        Column("status", spare=4),
        Column("outcome"),
        Column("input_tokens", "input", spare=1),
        Column("output_tokens", "output", spare=1),
        Column("latency_ms", "ms", spare=3),
        _COST,
    )


def summary_columns(by: str) -> tuple[Column, ...]:
    """Return what people are shown of a summary by *by*."""
    return (
        *_group(by),
        Column("requests"),
        Column("errors"),
        Column("refusals", "refused", spare=1),
        Column("cache_hits", "cached", spare=2),
        Column("all_input_tokens", "input"),
        Column("all_output_tokens", "output"),
        Column("mean_latency_ms", "mean ms", spare=3),
        Column("unpriced"),
        _COST,
    )


def cost_columns(by: str) -> tuple[Column, ...]:
    """Return what people are shown of costs by *by*."""
    share = Column("share", "share", _percent)
    return (*_group(by), Column("requests"), Column("all_tokens", "tokens"), Column("unpriced"), _COST, share)


def latency_columns(by: str) -> tuple[Column, ...]:
    """Return what people are shown of latencies by *by*."""
    return (*_group(by), Column("answers"), *(Column(f"p{n}_ms", f"p{n} ms") for n in (50, 95, 99)))


def error_columns(by: str) -> tuple[Column, ...]:
    """Return what people are shown of errors by *by*."""
    return (*_group(by), Column("requests"), Column("errors"), Column("error_rate", "rate", _percent))


def saving_columns(by: str) -> tuple[Column, ...]:
    """Return what people are shown of the cache's work by *by*."""
    rate = Column("cache_hit_rate", "rate", _percent)
    return (
        *_group(by),
        Column("requests"),
        Column("cache_hits", "cached"),
        rate,
        Column("saved", "saved", _dollars),
    )


def _group(by: str) -> tuple[Column, ...]:
    """Return what tells groups apart: ids say little to people."""
    return (Column("group", by, spare=9), Column("name")) if by in ("key", "project") else (Column("group", by),)


def _percent(share: float) -> str:
    return f"{share:.1%}"
