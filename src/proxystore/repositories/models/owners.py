"""Whom models belong to: providers and families by name, made where they are new."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, insert, select

from proxystore.changes import Change
from proxystore.database import Query, Statement
from proxystore.errors import InvalidRecord
from proxystore.ids import uuid7
from proxystore.records.models import MANUAL
from proxystore.schema import model_families, providers

FIND_PROVIDER: Final = Query(
    select(providers.c.id.label("found")).where(providers.c.name == bindparam("name")), lambda found: found
)
FIND_FAMILY: Final = Query(
    select(model_families.c.id.label("found")).where(
        model_families.c.provider_id == bindparam("provider_id"), model_families.c.name == bindparam("name")
    ),
    lambda found: found,
)
INSERT_PROVIDER: Final = Statement(
    insert(providers).values({column.name: bindparam(column.name) for column in providers.c})
)
INSERT_FAMILY: Final = Statement(
    insert(model_families).values({column.name: bindparam(column.name) for column in model_families.c})
)


def new_provider(name: str, source: str, now: datetime) -> dict[str, Any]:
    """Return the row of a provider of whom only the name is known."""
    unknown = dict.fromkeys(("base_url", "api_version", "auth_method", "description", "features", "config"))
    return {"id": uuid7(), "name": name, "source": source, "created_at": now, "updated_at": now, **unknown}


async def provider_id(change: Change, name: str, now: datetime) -> UUID:
    """Return the id of the provider called *name*, made where it is new."""
    found = await change.fetch_one(FIND_PROVIDER, name=name)
    if found is None:
        row = new_provider(name, MANUAL, now)
        await change.execute(INSERT_PROVIDER, **row)
        found = row["id"]
    return UUID(int=found.int)


async def owners_of(change: Change, provider: str | None, family: str | None, now: datetime) -> dict[str, Any]:
    """Return the ids of a provider and a family by the names of their columns; nothing of what is not given.

    Raises:
        InvalidRecord: A family is given without its provider.
    """
    if provider is None:
        if family is not None:
            raise InvalidRecord("A family belongs to a provider: name that too.")
        return {}
    owner = await provider_id(change, provider, now)
    if family is None:
        return {"provider_id": owner}
    found = await change.fetch_one(FIND_FAMILY, provider_id=owner, name=family)
    if found is None:
        found = uuid7()
        values = {"id": found, "provider_id": owner, "name": family, "description": None}
        await change.execute(INSERT_FAMILY, **values, created_at=now, updated_at=now)
    return {"provider_id": owner, "family_id": found}
