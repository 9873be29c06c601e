"""Whether a key that was found may be used."""

from __future__ import annotations

from datetime import datetime

from proxystore.errors import KeyExpired, KeyInactive, KeyNotFound, ProjectInactive
from proxystore.records import FoundKey, KeyRecord


def usable(found: FoundKey | None, at: datetime) -> KeyRecord:
    """Return the key that was found, if it may be used at that instant; see `KeyRepository.authenticate`."""
    if found is None or found.record.deleted_at is not None:
        raise KeyNotFound
    if not found.record.is_active:
        raise KeyInactive
    if found.record.is_expired(at) or (found.secret_until is not None and at >= found.secret_until):
        raise KeyExpired
    if found.project is not None and not found.project.is_active:
        raise ProjectInactive
    return found.record
