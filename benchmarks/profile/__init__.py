"""Where the time of one wrapped request goes: ``python -m benchmarks profile``."""

from __future__ import annotations


def main() -> None:
    """Measure, and print."""
    from benchmarks.profile.command import main as measure

    measure()
