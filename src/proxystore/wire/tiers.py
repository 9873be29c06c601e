"""How fast, and for how much: what providers call a service tier, a traffic type, a speed."""

from __future__ import annotations

from typing import Final

_ORDINARY: Final = frozenset({"", "auto", "default", "on_demand", "standard", "traffic_type_unspecified"})
_LONGEST: Final = 64


def tier_in(told: object) -> str | None:
    """Return the tier that *told* names, in small letters; ``None`` if it is the ordinary one, or no name."""
    if not isinstance(told, str) or len(told) > _LONGEST:
        return None
    name = told.lower()
    return None if name in _ORDINARY else name.removeprefix("on_demand_")
