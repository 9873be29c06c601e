"""The command: measure everything some times over, say what came of it."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Final

import msgspec

from benchmarks.overhead.cases import MANY, WRAPPED, Cases, cases
from benchmarks.overhead.figures import Figure, Result, difference, middle, ratio
from benchmarks.overhead.report import tell

_ROUNDS: Final = 5
_AROUND: Final = 0.35  # seconds of a burst that do not count: the start, and the server's rest
_STARTING: Final = 12.0
_SHORTEST: Final = 0.2
_RATIOS: Final = {
    "echo": "b/a",
    "relay": "d/c",
    "forward": "forward",
    "echo by hand": "b/a by hand",
    "relay by hand": "d/c by hand",
}
_DIFFERENCES: Final[Mapping[str, tuple[str, Callable[[Figure], float]]]] = {
    "request, all threads": ("echo", lambda figure: figure.cpu_us),
    "request, event loop": ("echo", lambda figure: figure.loop_cpu_us),
    "relayed request, all threads": ("relay", lambda figure: figure.cpu_us),
    "relayed request, event loop": ("relay", lambda figure: figure.loop_cpu_us),
    "stream of one chunk, event loop": ("short stream", lambda figure: figure.loop_cpu_us),
    "request by hand, event loop": ("echo by hand", lambda figure: figure.loop_cpu_us),
    "relayed request by hand, event loop": ("relay by hand", lambda figure: figure.loop_cpu_us),
    "time to first byte": ("one at a time", lambda figure: figure.first_byte_us),
}
_WITH: Final = ("uvicorn", "uvloop", "httptools", "aiohttp")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="What standing in front of a proxy costs.")
    parser.add_argument("--seconds", type=float, default=60.0, help="about how long all of it may take")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="how often everything is measured")
    parser.add_argument("--only", choices=WRAPPED, action="append", help="may be given several times")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args()
    with cases(options.only or WRAPPED) as measured:
        result = _measure(measured, options.rounds, options.seconds - _STARTING)
    if options.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(result)).decode() + "\n")
    else:
        tell(result)


def _measure(measured: Cases, rounds: int, seconds: float) -> Result:
    bursts = rounds * (2 * len(measured.pairs) + len(measured.alone))
    each = max(_SHORTEST, seconds / bursts - _AROUND)
    bare: dict[str, list[Figure]] = {name: [] for name in measured.pairs}
    wrapped: dict[str, list[Figure]] = {name: [] for name in measured.pairs}
    alone: dict[str, list[Figure]] = {name: [] for name in measured.alone}
    for case in (*(case for pair in measured.pairs.values() for case in pair), *measured.alone.values()):
        case.measure(_SHORTEST)  # the first requests open connections, compile statements, import modules
    for number in range(rounds):
        for name, (bare_case, wrapped_case) in measured.pairs.items():
            both = [(bare[name], bare_case), (wrapped[name], wrapped_case)]
            for figures, case in both if number % 2 else reversed(both):  # neither is always measured first
                figures.append(case.measure(each))
        for name, case in measured.alone.items():
            alone[name].append(case.measure(each))
    return Result(
        machine=_machine(),
        rounds=rounds,
        cases=_cases(bare, wrapped, alone),
        ratios={_RATIOS[name]: ratio(wrapped[name], bare[name]) for name in _RATIOS if name in bare},
        added=_added(bare, wrapped),
        skipped=measured.skipped,
    )


def _cases(
    bare: Mapping[str, list[Figure]], wrapped: Mapping[str, list[Figure]], alone: Mapping[str, list[Figure]]
) -> dict[str, Figure]:
    both = {name: (bare[name], wrapped[name]) for name in bare}
    named = {
        f"{name}, {how}": figures for name in both for how, figures in zip(("bare", "wrapped"), both[name], strict=True)
    }
    return {name: middle(figures) for name, figures in {**named, **alone}.items()}


def _added(bare: Mapping[str, list[Figure]], wrapped: Mapping[str, list[Figure]]) -> dict[str, float]:
    told = {
        what: difference(wrapped[name], bare[name], of) for what, (name, of) in _DIFFERENCES.items() if name in bare
    }
    if "echo" in bare:
        streams = (_pairwise(wrapped, bare, "long stream"), _pairwise(wrapped, bare, "short stream"))
        chunks = sorted(_per_chunk(many, one) for many, one in zip(*streams, strict=True))
        told["chunk, event loop"] = chunks[len(chunks) // 2]
    return told


def _pairwise(wrapped: Mapping[str, list[Figure]], bare: Mapping[str, list[Figure]], name: str) -> list[float]:
    return [a.loop_cpu_us - b.loop_cpu_us for a, b in zip(wrapped[name], bare[name], strict=True)]


def _per_chunk(many: float, one: float) -> float:
    return round((many - one) / (MANY - 1), 3)


def _machine() -> dict[str, str]:
    cores = len(os.sched_getaffinity(0))
    return {"cores": str(cores), "python": platform.python_version(), **{name: version(name) for name in _WITH}}
