"""What things cost: `python -m benchmarks.<name>` prints figures."""

from __future__ import annotations
