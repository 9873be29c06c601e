"""How fast reports are: ``python -m benchmarks reports``."""

from __future__ import annotations


def main() -> None:
    """Measure, and print."""
    from benchmarks.reports.command import main as measure

    measure()
