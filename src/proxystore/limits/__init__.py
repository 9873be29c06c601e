"""How much: limits that hold across processes and hosts with no server but the database."""

from __future__ import annotations

from proxystore.limits.limits import Limits
from proxystore.limits.reservation import Exhausted, Reservation
from proxystore.limits.tenure import Timing

__all__ = ["Exhausted", "Limits", "Reservation", "Timing"]
