"""Changing keys, within a mutation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from proxystore.changes import Change
from proxystore.errors import Conflict, KeyInactive, KeyNotFound
from proxystore.ids import parsed, shown
from proxystore.records import KeyRecord
from proxystore.repositories.keys import statements
from proxystore.repositories.keys.making import Draft
from proxystore.secrecy import PEPPER, refuse_replaced


async def put(change: Change, key_id: str, values: Mapping[str, Any], **details: Any) -> KeyRecord:
    """Set columns of a key that is not deleted."""
    query = statements.update_query(frozenset(values))
    new = {f"new_{name}": value for name, value in values.items()}
    record = await change.fetch_one(query, key_id=parsed("key", key_id), new_updated_at=datetime.now(UTC), **new)
    if record is None:
        raise KeyNotFound
    change.touched(key_id, **details)
    return record


async def switch(change: Change, key_id: str, *, is_active: bool) -> None:
    """Turn a key on or off, unless it is so already."""
    found = await change.fetch_one(statements.GET, key_id=parsed("key", key_id))
    if found is None or found.deleted_at is not None:
        raise KeyNotFound
    if is_active and found.revoked_at is not None:
        raise Conflict("This key was revoked, which is for ever: make another.")
    if found.is_active == is_active:
        change.noted(key_id, reason=f"{'active' if is_active else 'inactive'} already")
        return
    await put(change, key_id, {"is_active": is_active, "deactivated_at": None if is_active else datetime.now(UTC)})


async def revoke(change: Change, chosen: str, **values: object) -> int:
    """Revoke those that were *chosen* and not revoked yet; return how many."""
    revoked = await change.fetch_all(statements.revoke_query(chosen), now=datetime.now(UTC), **values)
    for identity in revoked:
        change.touched(shown("key", identity))
    return len(revoked)


async def rotate(change: Change, key_id: str, draft: Draft, version: int, grace: timedelta | None) -> KeyRecord:
    """Give a key another secret; the one it has stays good for *grace*."""
    await refuse_replaced(change.transaction, PEPPER, version)
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "key_id": parsed("key", key_id),
        "now": now,
        "new_digest": draft.digest,
        "new_prefix": draft.prefix,
        "new_pepper_version": version,
    }
    if grace:
        record = await change.fetch_one(statements.ROTATE, **values, until=now + grace)
    else:
        record = await change.fetch_one(statements.REPLACE, **values)
    if record is None:
        raise await _missing(change, key_id)
    change.touched(key_id, prefix=record.prefix, grace_seconds=grace.total_seconds() if grace else 0)
    return record


async def _missing(change: Change, key_id: str) -> Exception:
    """Return why a key could not be rotated."""
    found = await change.fetch_one(statements.GET, key_id=parsed("key", key_id))
    return KeyNotFound() if found is None or found.deleted_at is not None else KeyInactive()
