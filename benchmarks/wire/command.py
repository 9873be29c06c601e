"""Microseconds of CPU per chunk, per answer and per request."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Final

import msgspec

from benchmarks.wire import answers, chunks, requests

_BUDGET_NS: Final = 5_000_000  # of one repetition
_GROUPS: Final = {"per streamed chunk": chunks.cases, "per answer": answers.cases, "per request": requests.cases}


def main() -> None:
    """Print the least of many repetitions for each case: what it takes when nothing else gets in the way."""
    parser = argparse.ArgumentParser(description="What reading along costs, in microseconds of CPU.")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--times", type=int, default=60, help="repetitions of each case")
    options = parser.parse_args()
    figures: dict[str, dict[str, float]] = {}
    for group, cases in _GROUPS.items():
        figures[group] = {}
        if not options.json:
            print(f"\n{group}, µs")
        for name, run in cases():
            figures[group][name] = round(_least(run, options.times), 3)
            if not options.json:
                print(f"  {name:50}{figures[group][name]:10.2f}")
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(figures)).decode())


def _least(run: Callable[[], object], times: int) -> float:
    count = 1
    while (spent := _spent(run, count)) < _BUDGET_NS:
        count = max(count * 2, int(count * _BUDGET_NS / max(spent, 1)))
    return min(_spent(run, count) for _ in range(times)) / count / 1000


def _spent(run: Callable[[], object], count: int) -> int:
    began = time.process_time_ns()
    for _ in range(count):
        run()
    return time.process_time_ns() - began
