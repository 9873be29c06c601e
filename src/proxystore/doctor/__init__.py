"""What is wrong, and the command that mends it; looks at everything, changes nothing."""

from __future__ import annotations

from proxystore.doctor.examining import examine
from proxystore.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]
