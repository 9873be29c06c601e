"""Who runs models."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from proxystore.changes import Changes
from proxystore.database import Database, Query, Statement
from proxystore.errors import Conflict, InvalidRecord, ProviderNotFound
from proxystore.records.models import MANUAL, Provider
from proxystore.repositories.models.owners import INSERT_PROVIDER, new_provider
from proxystore.schema import providers

_MODEL: Final = "model"
FIELDS: Final = ("base_url", "api_version", "auth_method", "description", "features", "config")
"""What a provider can be told of besides its name."""

_LIST: Final = Query(select(providers).order_by(providers.c.name), Provider)
_FIND: Final = Query(select(providers).where(providers.c.name == bindparam("wanted")), Provider)
_DELETE: Final = Statement(delete(providers).where(providers.c.name == bindparam("wanted")))


@cache
def _update(columns: frozenset[str]) -> Statement:
    values: dict[str, Any] = {name: bindparam(name) for name in sorted(columns)}
    return Statement(update(providers).where(providers.c.name == bindparam("wanted")).values(values))


class ProviderRepository:
    """Every provider; imports make those that their models name, and change none."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    async def list(self) -> list[Provider]:
        """Return every provider, by name."""
        return await self._database.fetch_all(_LIST)

    async def find(self, name: str) -> Provider | None:
        """Return the provider of this name."""
        return await self._database.fetch_one(_FIND, wanted=name)

    async def get(self, name: str) -> Provider:
        """Return the provider of this name.

        Raises:
            ProviderNotFound: There is none.
        """
        found = await self.find(name)
        if found is None:
            raise ProviderNotFound(f"There is no provider named {name!r}.")
        return found

    async def create(self, name: str, *, actor: str | None = None, **fields: Any) -> Provider:
        """Add a provider.

        Args:
            name: Such as ``openai``.
            actor: Who does it.
            **fields: See `proxystore.Provider`.

        Raises:
            Conflict: There is one already.
            InvalidRecord: A provider has no such field.
        """
        _check(fields)
        if not name or "/" in name:
            raise InvalidRecord("A provider's name is not empty and has no slash.")
        async with self._changes.begin(_MODEL, action="provider.create", actor=actor) as change:
            try:
                await change.execute(INSERT_PROVIDER, **new_provider(name, MANUAL, datetime.now(UTC)) | fields)
            except Conflict:
                raise Conflict(f"There is a provider named {name!r} already.") from None
            change.touched(None, provider=name)
        return await self.get(name)

    async def update(self, name: str, *, actor: str | None = None, **fields: Any) -> Provider:
        """Change what is known of a provider.

        Raises:
            ProviderNotFound: There is none.
            InvalidRecord: A provider has no such field, or nothing is to be changed.
        """
        _check(fields)
        if not fields:
            raise InvalidRecord("Nothing is to be changed.")
        values = fields | {"source": MANUAL, "updated_at": datetime.now(UTC)}
        async with self._changes.begin(_MODEL, action="provider.update", actor=actor) as change:
            if not await change.execute(_update(frozenset(values)), wanted=name, **values):
                raise ProviderNotFound(f"There is no provider named {name!r}.")
            change.touched(None, provider=name, fields=sorted(fields))
        return await self.get(name)

    async def delete(self, name: str, *, actor: str | None = None) -> None:
        """Remove a provider that has no models and no families.

        Raises:
            ProviderNotFound: There is none.
            ReferenceViolation: It has some.
        """
        async with self._changes.begin(_MODEL, action="provider.delete", actor=actor) as change:
            if not await change.execute(_DELETE, wanted=name):
                raise ProviderNotFound(f"There is no provider named {name!r}.")
            change.touched(None, provider=name)


def _check(fields: dict[str, Any]) -> None:
    unknown = fields.keys() - set(FIELDS)
    if unknown:
        raise InvalidRecord(f"A provider has no {', '.join(sorted(unknown))}.")
