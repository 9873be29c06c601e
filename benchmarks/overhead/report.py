"""The figures for people."""

from __future__ import annotations

from typing import Final

from benchmarks.overhead.figures import Result

_LETTERS: Final = {
    "echo, bare": "a",
    "echo, wrapped": "b",
    "relay, bare": "c",
    "relay, wrapped": "d",
    "litellm": "e",
}


def tell(result: Result) -> None:
    """Print *result*."""
    print(", ".join(f"{name} {value}" for name, value in result.machine.items()), end="")
    print(f"; medians of {result.rounds} rounds\n")
    print(f"{'':26}{'requests/s':>12}{'CPU µs':>10}{'loop µs':>10}{'first byte µs':>16}")
    for name, figure in result.cases.items():
        head = f"{_LETTERS.get(name, ' ')}  {name:23}{figure.requests_per_second:12,.0f}"
        print(f"{head}{figure.cpu_us:10.1f}{figure.loop_cpu_us:10.1f}{figure.first_byte_us:16.0f}")
    print()
    for name, value in result.ratios.items():
        print(f"{name}, requests per second{value:26.3f}")
    for name, value in result.added.items():
        print(
            f"added to a {name:32}{value:9.2f} µs"
            if name != "time to first byte"
            else f"added {name:37}{value:9.2f} µs"
        )
    for reason in result.skipped:
        print(f"skipped {reason}")
