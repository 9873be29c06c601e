"""A key that somebody has shown, with all that has to be known of it ready at hand."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

import msgspec

from proxystore import ids
from proxystore.values import Limit, Principal

Standing: TypeAlias = Literal["valid", "inactive", "expired", "project_inactive"]

_LIMITS: Final[tuple[tuple[str, Any, Any], ...]] = (
    ("requests_per_minute", "requests", "minute"),
    ("tokens_per_minute", "tokens", "minute"),
    ("max_requests", "requests", "ever"),
    ("daily_budget_nanousd", "nanousd", "day"),
    ("monthly_budget_nanousd", "nanousd", "month"),
)
"""Which column holds the caller to what, and for how long."""

_CHOICES: Final = ("cache_ttl", "unpriced", "disconnect")
"""What a key, else its project, may choose for itself."""


class KnownKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that somebody has shown; whether it is good is another question: see :meth:`standing`.

    Attributes:
        principal: Who is calling.
        is_active: Whether it may be used at all.
        is_project_active: Whether its project may be used; true for a key that belongs to none.
        expires_at: When it expires, in seconds since 1970; ``None`` is never. The secret before a rotation expires
            with its grace.
        is_foreign: Whether its secret is somebody else's, who knows it too: imported or adopted.
    """

    principal: Principal
    is_active: bool = True
    is_project_active: bool = True
    expires_at: float | None = None
    is_foreign: bool = False

    def standing(self) -> Standing:
        """Tell whether it is good now, else the first reason why not."""
        if not self.is_active:
            return "inactive"
        if self.expires_at is not None and time.time() >= self.expires_at:
            return "expired"
        return "valid" if self.is_project_active else "project_inactive"

    @classmethod
    def read(cls, row: Mapping[str, Any], *, is_current: bool, is_ours: bool) -> KnownKey:
        """Return what *row*, with a column for all that is asked for, says of a key.

        Args:
            row: By name.
            is_current: Whether it was found by its secret, not by the one from before its last rotation.
            is_ours: Whether the secret that was shown has the form of ours.
        """
        ends = [row["expires_at"], None if is_current else row["previous_until"]]
        return cls(
            principal=_principal(row),
            is_active=row["is_active"] and row["deleted_at"] is None,
            is_project_active=row["project_is_active"] is not False,
            expires_at=_earliest(ends),
            is_foreign=row["origin"] != "made" or not is_ours,
        )


def _principal(row: Mapping[str, Any]) -> Principal:
    key_id = ids.shown("key", row["id"])
    return Principal(
        key_id=key_id,
        project_id=None if row["project_id"] is None else ids.shown("proj", row["project_id"]),
        name=row["name"],
        models=frozenset(row["models"]) if row["models"] else None,
        limits=tuple(
            Limit(owner=key_id, unit=unit, amount=row[column], window=window)
            for column, unit, window in _LIMITS
            if row[column] is not None
        ),
        **_chosen(row),
    )


def _chosen(row: Mapping[str, Any]) -> dict[str, Any]:
    said = {**(row["project_settings"] or {}), **row["settings"]}
    return {name: said[name] for name in _CHOICES if said.get(name) is not None}


def _earliest(moments: list[datetime | None]) -> float | None:
    return min((moment.timestamp() for moment in moments if moment is not None), default=None)
