"""How long answers took, from histograms: they are put together, and added up here, for no database can."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, FromClause, LargeBinary, Table, cast, null
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from proxystore import histograms
from proxystore.database import Query
from proxystore.records import LatencySummary
from proxystore.repositories.usage.grouping import Filters, Grouping, grouped, written
from proxystore.repositories.usage.ranges import Part
from proxystore.schema.usage import usage_latency_daily, usage_latency_hourly

_SHARES: Final = (0.5, 0.95, 0.99)
_BOTH: Final = ("more", "less")


class _Joined(GenericFunction[bytes]):
    """All histograms of a group, one after the other."""

    type = LargeBinary()
    inherit_cache = True


@compiles(_Joined, "sqlite")
def _joined_on_sqlite(element: _Joined, compiler: SQLCompiler, **options: Any) -> str:
    # What it makes is called a text, but has the bytes of its parts, whatever they are.
    return f"CAST(group_concat({compiler.process(element.clauses, **options)}, '') AS BLOB)"


@compiles(_Joined, "postgresql")
def _joined_on_postgresql(element: _Joined, compiler: SQLCompiler, **options: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **options)}, '')"


class Histograms(NamedTuple):
    """Those of a group, or of one day of it, one after the other; and those to be taken away."""

    group: str | None
    more: bytes
    less: bytes


@cache
def latency_query(by: Grouping, filters: Filters, parts: tuple[Part, ...]) -> Query[Histograms]:
    """Return the statement that collects by *by*; it takes the bounds of *parts* of a `Range`, and the *filters*."""
    write = written(by)
    return Query(
        grouped(by, (usage_latency_hourly, usage_latency_daily), _Collected(), filters, parts),
        lambda label, more, less: Histograms(write(label), more or b"", less or b""),
    )


def added_up(found: Iterable[Histograms]) -> list[LatencySummary]:
    """Return one summary for each group of *found*, in the order of their names."""
    groups: dict[str | None, tuple[list[bytes], list[bytes]]] = {}
    for group, *both in found:
        for known, new in zip(groups.setdefault(group, ([], [])), both, strict=True):
            known.append(new)
    summaries = (
        _summary(group, *map(b"".join, groups[group])) for group in sorted(groups, key=lambda name: name or "")
    )
    return [summary for summary in summaries if summary.answers]


class _Collected:
    """See `Sums`."""

    def of(self, rollup: Table, *, is_less: bool) -> list[ColumnElement[Any]]:
        joined, nothing = _Joined(rollup.c.histogram), cast(null(), LargeBinary)
        return [
            column.label(name)
            for name, column in zip(_BOTH, (nothing, joined) if is_less else (joined, nothing), strict=True)
        ]

    def together(self, sums: FromClause) -> list[ColumnElement[Any]]:
        return [_Joined(sums.c[name]).label(name) for name in _BOTH]


def _summary(group: str | None, more: bytes, less: bytes) -> LatencySummary:
    counts = histograms.unpack(more)
    for place, count in histograms.unpack(less).items():
        counts[place] -= count
    p50, p95, p99 = histograms.percentiles(counts, _SHARES)
    return LatencySummary(group=group, answers=sum(counts.values()), p50_ms=p50, p95_ms=p95, p99_ms=p99)
