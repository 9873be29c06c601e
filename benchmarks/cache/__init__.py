"""What an answer from the cache costs, what a miss adds, what storing keeps waiting: ``python -m benchmarks cache``."""

from __future__ import annotations


def main() -> None:
    """Measure, and print."""
    from benchmarks.cache.command import main as measure

    measure()
