"""Keys and the projects they belong to, as they are read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

import msgspec
from typing_extensions import override

Origin: TypeAlias = Literal["made", "imported", "adopted"]

_NANO: Final = Decimal(10**9)


class ProjectRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A project.

    Attributes:
        id: Such as ``proj_0198…``.
        name: Unique among the projects that are not deleted.
        is_active: Whether its keys may be used.
        deactivated_at: Since when they may not.
        deleted_at: Since when it is hidden.
        settings: What its keys go by where they say nothing else; see `KeyRecord`.
        created_at: When it was made.
        updated_at: When it was changed last.
    """

    id: str
    name: str
    is_active: bool
    deactivated_at: datetime | None
    deleted_at: datetime | None
    settings: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A key, without its secret.

    Attributes:
        id: Such as ``key_0198…``.
        project_id: The project it belongs to, if any.
        name: For people; need not be unique.
        prefix: What of its secret may be shown.
        origin: ``made`` here, ``imported``, or ``adopted``: known by its digest alone.
        models: The models it may call; ``None`` is every model.
        requests_per_minute, tokens_per_minute, max_requests: Its limits; ``None`` is none.
        daily_budget_nanousd, monthly_budget_nanousd: Its budgets, in UTC days and months; ``None`` is none.
        is_active: Whether it may be used.
        expires_at: From when on, that instant included, it may not.
        deactivated_at: Since when it may not.
        revoked_at: Since when it may never again.
        deleted_at: Since when it is hidden.
        previous_until: Until when the secret from before its last rotation is good, too.
        settings: ``cache_ttl`` (seconds), ``unpriced`` (``allow``, ``alert``, ``refuse``), ``disconnect``
            (``bill_seen``, ``drain``, ``void``); what is not said, its project or the settings say.
        created_at: When it was made.
        updated_at: When it was changed last.
        last_used_at: The hour of its last request; filled in by ``get`` and ``list``, as are the counts.
        request_count: Requests that were let through, ever.
        cache_hit_count: Requests that were answered from the cache, ever.
    """

    id: str
    project_id: str | None
    name: str
    prefix: str
    origin: Origin
    models: frozenset[str] | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    max_requests: int | None
    daily_budget_nanousd: int | None
    monthly_budget_nanousd: int | None
    is_active: bool
    expires_at: datetime | None
    deactivated_at: datetime | None
    revoked_at: datetime | None
    deleted_at: datetime | None
    previous_until: datetime | None
    settings: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None = None
    request_count: int = 0
    cache_hit_count: int = 0

    @property
    def daily_budget(self) -> Decimal | None:
        """What it may spend in a day, in dollars."""
        return _dollars(self.daily_budget_nanousd)

    @property
    def monthly_budget(self) -> Decimal | None:
        """What it may spend in a month, in dollars."""
        return _dollars(self.monthly_budget_nanousd)

    def is_expired(self, at: datetime) -> bool:
        """Whether its time is over at that instant: at ``expires_at`` it is."""
        return self.expires_at is not None and at >= self.expires_at

    def is_valid(self, at: datetime) -> bool:
        """Whether it may be used at that instant, as far as its project does not matter."""
        return self.is_active and self.deleted_at is None and not self.is_expired(at)

    def allows(self, *names: str | None) -> bool:
        """Whether it may call a model that goes by any of *names*: the one asked for, the one it stands for."""
        return self.models is None or any(name in self.models for name in names)


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it was made: the only time that its secret is told.

    Attributes:
        secret: What clients call with.
        record: The key.
    """

    secret: str
    record: KeyRecord

    @override
    def __repr__(self) -> str:
        return f"NewKey(secret='{self.record.prefix}…', record={self.record!r})"


class FoundKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it was found by a digest of its secret, in one look at the database.

    Attributes:
        record: The key; nothing of it is filled in from usage.
        project: Its project, if it has one.
        generation: The number of the last change that this look has seen.
        secret_until: When this secret ends, where it is one from before a rotation.
    """

    record: KeyRecord
    project: ProjectRecord | None
    generation: int
    secret_until: datetime | None = None


class KeyMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What was written on a key.

    Attributes:
        type: Such as ``tag`` or ``owner``.
        key: Such as ``team``.
        value: Such as ``search``.
    """

    type: str
    key: str
    value: str


def _dollars(nanousd: int | None) -> Decimal | None:
    return None if nanousd is None else Decimal(nanousd) / _NANO
