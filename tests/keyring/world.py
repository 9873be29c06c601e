"""Keys in a database, as the keyring's tests want them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, update

from proxystore import credentials, ids
from proxystore.changes import Changes
from proxystore.credentials import Digester
from proxystore.database import Database, Statement
from proxystore.schema import api_keys, projects

_ADD = Statement(insert(api_keys))
_ADD_PROJECT = Statement(insert(projects))
_DEACTIVATE = Statement(update(api_keys).where(api_keys.c.id == bindparam("key_id")).values(is_active=False))
_CLOSE = Statement(update(projects).where(projects.c.id == bindparam("project_id")).values(is_active=False))


async def add_project(database: Database, **values: Any) -> UUID:
    """Insert a project; return its id."""
    now, identity = datetime.now(UTC), ids.uuid7()
    row = {
        "id": identity,
        "name": identity.hex,
        "is_active": True,
        "settings": {},
        "created_at": now,
        "updated_at": now,
    }
    nothing = dict.fromkeys(column.name for column in projects.columns)
    await database.execute(_ADD_PROJECT, **{**nothing, **row, **values})
    return identity


async def add_key(
    database: Database, digester: Digester, secret: str | None = None, **values: Any
) -> tuple[bytes, UUID]:
    """Insert a key, as a mutation; return its secret and its id."""
    shown = (secret or credentials.new_secret()).encode()
    now, identity = datetime.now(UTC), ids.uuid7()
    row = {
        "id": identity,
        "name": "a key",
        "prefix": shown[:12].decode(),
        "digest": digester.digest(shown),
        "pepper_version": digester.version,
        "origin": "made",
        "is_active": True,
        "settings": {},
        "created_at": now,
        "updated_at": now,
    }
    nothing = dict.fromkeys(column.name for column in api_keys.columns)
    async with Changes(database).begin("api_key", action="key.create", actor=None) as change:
        await change.execute(_ADD, **{**nothing, **row, **values})
        change.touched(ids.shown("key", identity))
    return shown, identity


async def deactivate(database: Database, identity: UUID) -> None:
    """Revoke a key, as a mutation."""
    async with Changes(database).begin("api_key", action="key.revoke", actor=None) as change:
        await change.execute(_DEACTIVATE, key_id=identity)
        change.touched(ids.shown("key", identity))


async def close_project(database: Database, identity: UUID) -> None:
    """Deactivate a project, as a mutation."""
    async with Changes(database).begin("project", action="project.deactivate", actor=None) as change:
        await change.execute(_CLOSE, project_id=identity)
        change.touched(ids.shown("proj", identity))
