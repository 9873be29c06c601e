"""What reading along costs: ``python -m benchmarks wire``."""

from __future__ import annotations


def main() -> None:
    """Measure, and print."""
    from benchmarks.wire.command import main as measure

    measure()
