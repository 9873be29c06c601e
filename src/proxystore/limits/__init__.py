"""How much: limits that hold across processes and hosts with no server but the database."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from proxystore.limits.limits import Limits
    from proxystore.limits.reservation import Exhausted, Reservation
    from proxystore.limits.tenure import Timing

__all__ = ["Exhausted", "Limits", "Reservation", "Timing"]

_HOMES: Final = {
    "Exhausted": "reservation",
    "Limits": "limits",
    "Reservation": "reservation",
    "Timing": "tenure",
}


def __getattr__(name: str) -> Any:
    # What plugins need of it needs no SQLAlchemy, and they are loaded for `proxystore --help`, too.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found
