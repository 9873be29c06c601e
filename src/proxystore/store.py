"""Store: opens everything below, holds it, closes it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from types import TracebackType
from typing import Self

from proxystore import migrating
from proxystore.cache import Spaces
from proxystore.catalogue import Catalogue
from proxystore.changes import AuditWitness, Chain, Changes, Follower
from proxystore.credentials import Digester
from proxystore.database import Database
from proxystore.errors import InvalidRecord, SettingsError
from proxystore.keyring import Keyring
from proxystore.ledger import Ledger
from proxystore.ledger.host import host_id
from proxystore.limits import Limits
from proxystore.migrating import Migrations
from proxystore.records import Stats
from proxystore.repositories.audit import AuditRepository
from proxystore.repositories.cache_entries import CacheEntries
from proxystore.repositories.keys import KeyRepository
from proxystore.repositories.models import FamilyRepository, ModelRepository, ProviderRepository
from proxystore.repositories.projects import ProjectRepository
from proxystore.repositories.usage import UsageRepository
from proxystore.secrecy import AUDIT_KEY, PEPPER, known_secrets
from proxystore.settings import Settings


class Store:
    """Everything that is kept, behind one ``async with``.

    Args:
        database_url: Such as ``sqlite:///proxy.db`` or ``postgresql://…``; the rest is read from the environment.
        settings: All of them, in place of *database_url*; read from the environment and ``proxystore.toml`` if neither
            is given.
        migrations: Histories of further tables, brought to their heads after ours.

    Attributes:
        settings: What it was made with.
        audit: Who did what, and what was refused.
        catalogue: What names mean and cost, remembered.
        cache: Bytes for a while, shared by all processes of a host: one space for each name.
        changes: What every mutation tells of itself.
        database: For plugins with tables of their own.
        digester: What makes digests of keys.
        families: Models that belong together.
        follower: Tells those who remember what has changed, in whatever process.
        keyring: Whose secret is this; remembered.
        keys: Every key that was ever issued.
        ledger: The way in for what must not be lost.
        limits: Reserve before, settle after.
        models: What can be called, by which names, and what it costs.
        projects: What keys belong to.
        providers: Who runs models.
        usage: Who used what.

    Example:
        ```python
        import asyncio
        from proxystore import Store

        async def main() -> None:
            async with Store("sqlite:///proxy.db") as store:
                for row in await store.usage.summary(by="model"):
                    print(row)

        asyncio.run(main())
        ```
    """

    def __init__(
        self,
        database_url: str | None = None,
        *,
        settings: Settings | None = None,
        migrations: Sequence[Migrations] = (),
    ) -> None:
        self.settings = _settings(database_url, settings)
        self._migrations = tuple(migrations)
        self.database = Database(self.settings.url, schema=self.settings.database_schema, pool=self.settings.pool)
        chain = self._chain = Chain()
        self.audit = AuditRepository(self.database, chain)
        self.cache = self._spaces()
        self.changes = Changes(self.database)
        self.changes.witness = AuditWitness(chain)
        self.digester = Digester()
        self.families = FamilyRepository(self.database, self.changes)
        self.follower = Follower(self.database, stale_if_error=self.settings.stale_if_error)
        self.changes.follow = self.follower.poll
        self.keyring = Keyring(
            self.database,
            self.follower,
            self.digester,
            size=self.settings.cache_api_key_size,
            ttl=self.settings.cache_api_key_ttl,
        )
        self.follower.subscribe("cache", self.cache.on_changed)
        self.keys = KeyRepository(self.database, self.changes, self.digester)
        self.ledger = Ledger(self.settings, chain)
        self.limits = Limits(self.database, self.settings)
        self.models = ModelRepository(self.database, self.changes, is_bundled=self.settings.bundled_prices)
        self.catalogue = Catalogue(self.models, self.settings)
        self.catalogue.follow(self.follower)
        self.projects = ProjectRepository(self.database, self.changes)
        self.providers = ProviderRepository(self.database, self.changes)
        self.usage = UsageRepository(self.database)
        self._process = 0

    @property
    def is_open(self) -> bool:
        """Whether this process can use it: a fork of the one that opened it cannot."""
        return self._process == os.getpid()

    async def open(self) -> None:
        """Connect, migrate (unless ``auto_migrate`` is off), and take up what dead processes left behind.

        Raises:
            SettingsError: The pepper or the audit key is missing, or is not the one that this database was used with.
            SchemaError: The schema is not this release's and may not be, or cannot be, migrated.
            StoreUnavailable: The database cannot be reached.
        """
        if self.is_open:
            return
        try:
            await self.database.open()
            applied = await migrating.ensure(
                self.database, migrate=self.settings.auto_migrate, migrations=(migrating.BUILT_IN, *self._migrations)
            )
            keys = await known_secrets(self.database, AUDIT_KEY, self.settings.audit_key, self.settings)
            self._chain.use(keys)
            if applied:
                await self.audit.record_revisions("schema.upgrade", applied)
            self.digester.use(await known_secrets(self.database, PEPPER, self.settings.pepper, self.settings))
            await self.follower.open()
            await self.ledger.open()
            self.limits.open(self.ledger.process_id, host_id())
        except BaseException:
            await self.close()
            raise
        self._process = os.getpid()

    async def close(self) -> None:
        """Drain and let go; twice does no harm."""
        self._process = 0
        await self.limits.close()
        await self.ledger.close()
        await self.follower.close()
        await self.cache.close()
        await self.database.close()

    def stats(self) -> Stats:
        """Return how the pool of connections and the caches do, in this process."""
        return Stats(
            pool=self.database.stats(),
            caches={**self.keyring.stats, "models": self.catalogue.stats, **self.cache.memory_stats},
        )

    async def cleanup(self) -> dict[str, int]:
        """Delete what was kept long enough (see ``events_keep``), and return how many rows of each table went."""
        counts: dict[str, int] = {}
        async for table, count in self.ledger.cleanup():
            counts[table] = counts.get(table, 0) + count
        if self.settings.cache_table:
            counts["cache_entries"] = await CacheEntries(self.database).cleanup()
        return counts

    async def refresh_month(self, year: int, month: int) -> None:
        """Make the days of a month (UTC) anew from their events; however often, the result is the same.

        Raises:
            InvalidRecord: There is no such month, or events of it have been deleted.
        """
        try:
            since, until = date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)
        except ValueError:
            raise InvalidRecord(f"There is no month {month} of {year}.") from None
        async for _ in self.ledger.rebuild(since, until):
            pass

    def _spaces(self) -> Spaces:
        settings = self.settings
        return Spaces(
            None if settings.url.is_in_memory else settings.data_dir / "cache",
            size_limit=settings.cache_size_limit,
            table=CacheEntries(self.database) if settings.cache_table else None,
            announce=self._announce,
        )

    async def _announce(self, what: str, actor: str | None) -> None:
        """Tell every host what its cache is to forget."""
        async with self.changes.begin("cache", action="cache.purge", actor=actor) as change:
            change.touched(what)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


def _settings(database_url: str | None, settings: Settings | None) -> Settings:
    if settings is None:
        return Settings.load(database_url=database_url)
    if database_url is not None:
        raise SettingsError("give either database_url or settings: the settings have a database_url of their own")
    return settings
