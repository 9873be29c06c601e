"""Where the time of one wrapped request goes: ``python -m benchmarks profile``."""

from __future__ import annotations

from benchmarks.profile.command import main

__all__ = ["main"]
