"""What was measured, and what that says: medians, and differences and ratios of neighbours in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One burst against one server.

    Attributes:
        requests_per_second: How many it answered.
        cpu_us: CPU for each request, all threads of the server, until it had nothing left to do.
        loop_cpu_us: The part of the thread that runs the event loop, which requests wait for.
        first_byte_us: How long a response's first byte took, in the middle.
    """

    requests_per_second: float
    cpu_us: float
    loop_cpu_us: float
    first_byte_us: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """All that a run says.

    Attributes:
        machine: What it ran on and with, without names.
        rounds: How often everything was measured.
        cases: The medians of each case.
        ratios: Requests per second of ``b`` for one of ``a``, of ``d`` for one of ``c``.
        added: Microseconds that the middleware adds, by what they are added to.
        skipped: What could not be measured, and why.
    """

    machine: Mapping[str, str]
    rounds: int
    cases: Mapping[str, Figure]
    ratios: Mapping[str, float]
    added: Mapping[str, float]
    skipped: Sequence[str]


def middle(figures: Sequence[Figure]) -> Figure:
    """Return the medians of *figures*."""
    fields = Figure.__struct_fields__
    return Figure(**{name: round(median(getattr(figure, name) for figure in figures), 2) for name in fields})


def ratio(over: Sequence[Figure], under: Sequence[Figure]) -> float:
    """Return how many requests *over* answered for one of *under*, each pair measured in one round."""
    pairs = zip(over, under, strict=True)
    return round(median(a.requests_per_second / b.requests_per_second for a, b in pairs), 3)


def difference(
    over: Sequence[Figure], under: Sequence[Figure], of: Callable[[Figure], float], *, parts: int = 1
) -> float:
    """Return how much more *over* took than *under*, each pair measured in one round, for one of *parts*."""
    return round(median((of(a) - of(b)) / parts for a, b in zip(over, under, strict=True)), 2)
