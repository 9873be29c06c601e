"""How long answers took, from histograms: they are put together, and added up here, for no database can."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Table, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from proxystore import histograms
from proxystore.database import Query
from proxystore.records import LatencySummary
from proxystore.repositories.usage.grouping import Filters, Grouping, grouped, written
from proxystore.schema.usage import usage_latency_daily, usage_latency_hourly

_SHARES: Final = (0.5, 0.95, 0.99)


class _Joined(GenericFunction[str]):
    """All histograms of a group, one after the other, in hexadecimal digits: SQLite joins text alone."""

    type = Text()
    inherit_cache = True


@compiles(_Joined, "sqlite")
def _joined_on_sqlite(element: _Joined, compiler: SQLCompiler, **options: Any) -> str:
    return f"group_concat(hex({compiler.process(element.clauses, **options)}), '')"


@compiles(_Joined, "postgresql")
def _joined_on_postgresql(element: _Joined, compiler: SQLCompiler, **options: Any) -> str:
    return f"encode(string_agg({compiler.process(element.clauses, **options)}, ''), 'hex')"


class Part(NamedTuple):
    """The histograms of a group, or of one day of it."""

    group: str | None
    digits: str


@cache
def latency_query(by: Grouping, filters: Filters = frozenset()) -> Query[Part]:
    """Return the statement that collects histograms by *by*; it takes the bounds of a `Range`, and the *filters*."""
    write = written(by)
    return Query(
        grouped(by, (usage_latency_hourly, usage_latency_daily), _joined, filters),
        lambda label, digits: Part(write(label), digits),
    )


def added_up(parts: Iterable[Part]) -> list[LatencySummary]:
    """Return one summary for each group of *parts*, in the order of their names."""
    digits: dict[str | None, list[str]] = {}
    for part in parts:
        digits.setdefault(part.group, []).append(part.digits)
    return [_summary(group, "".join(digits[group])) for group in sorted(digits, key=lambda group: group or "")]


def _joined(table: Table) -> list[ColumnElement[str]]:
    return [_Joined(table.c.histogram).label("digits")]


def _summary(group: str | None, digits: str) -> LatencySummary:
    counts = histograms.unpack(bytes.fromhex(digits))
    p50, p95, p99 = histograms.percentiles(counts, _SHARES)
    return LatencySummary(group=group, answers=sum(counts.values()), p50_ms=p50, p95_ms=p95, p99_ms=p99)
