"""Models that belong together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import bindparam, delete, select, update

from proxystore.changes import Change, Changes
from proxystore.database import Database, Query, Statement
from proxystore.errors import Conflict, InvalidRecord, ModelFamilyNotFound
from proxystore.records.models import ModelFamily
from proxystore.repositories.models.owners import owners_of
from proxystore.schema import model_families, providers

_MODEL: Final = "model"
_SELECT: Final = select(
    *(column for column in model_families.c if column.name != "provider_id"), providers.c.name.label("provider")
).join(providers, providers.c.id == model_families.c.provider_id)
_LIST: Final = Query(_SELECT.order_by(providers.c.name, model_families.c.name), ModelFamily)
_FIND: Final = Query(
    _SELECT.where(providers.c.name == bindparam("owner"), model_families.c.name == bindparam("wanted")), ModelFamily
)
_DESCRIBE: Final = Statement(
    update(model_families)
    .where(model_families.c.id == bindparam("family_id"))
    .values(description=bindparam("description"), updated_at=bindparam("updated_at"))
)
_DELETE: Final = Statement(delete(model_families).where(model_families.c.id == bindparam("family_id")))


class FamilyRepository:
    """Every family of models, each of a provider."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    async def list(self) -> list[ModelFamily]:
        """Return every family, by provider and name."""
        return await self._database.fetch_all(_LIST)

    async def get(self, provider: str, name: str) -> ModelFamily:
        """Return the family of this name.

        Raises:
            ModelFamilyNotFound: The provider has none.
        """
        found = await self._database.fetch_one(_FIND, owner=provider, wanted=name)
        if found is None:
            raise ModelFamilyNotFound(f"{provider} has no family named {name!r}.")
        return found

    async def create(
        self, provider: str, name: str, *, description: str | None = None, actor: str | None = None
    ) -> ModelFamily:
        """Add a family; its provider is made where it is new.

        Raises:
            Conflict: There is one already.
        """
        if not name:
            raise InvalidRecord("A family's name is not empty.")
        async with self._changes.begin(_MODEL, action="family.create", actor=actor) as change:
            if await change.fetch_one(_FIND, owner=provider, wanted=name) is not None:
                raise Conflict(f"{provider} has a family named {name!r} already.")
            now = datetime.now(UTC)
            owners = await owners_of(change, provider, name, now)
            values = {"description": description, "updated_at": now}
            await change.execute(_DESCRIBE, family_id=owners["family_id"], **values)
            change.touched(None, provider=provider, family=name)
        return await self.get(provider, name)

    async def update(
        self, provider: str, name: str, *, description: str | None, actor: str | None = None
    ) -> ModelFamily:
        """Change what is said of a family.

        Raises:
            ModelFamilyNotFound: The provider has none of this name.
        """
        async with self._changes.begin(_MODEL, action="family.update", actor=actor) as change:
            family = await _found(change, provider, name)
            values = {"description": description, "updated_at": datetime.now(UTC)}
            await change.execute(_DESCRIBE, family_id=family.id, **values)
            change.touched(None, provider=provider, family=name)
        return await self.get(provider, name)

    async def delete(self, provider: str, name: str, *, actor: str | None = None) -> None:
        """Remove a family; its models stay.

        Raises:
            ModelFamilyNotFound: The provider has none of this name.
        """
        async with self._changes.begin(_MODEL, action="family.delete", actor=actor) as change:
            family = await _found(change, provider, name)
            await change.execute(_DELETE, family_id=family.id)
            change.touched(None, provider=provider, family=name)


async def _found(change: Change, provider: str, name: str) -> ModelFamily:
    found = await change.fetch_one(_FIND, owner=provider, wanted=name)
    if found is None:
        raise ModelFamilyNotFound(f"{provider} has no family named {name!r}.")
    return found
