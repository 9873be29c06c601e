"""What standing in front of a proxy costs: ``python -m benchmarks overhead``."""

from __future__ import annotations


def main() -> None:
    """Measure, and print."""
    from benchmarks.overhead.command import main as measure  # its modules are run as processes of their own, too

    measure()
