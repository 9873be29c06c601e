"""The one door to Alembic: a history's revisions, run on a connection that already holds lock and transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeAlias

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData

import proxystore_migrations
from proxystore.errors import ProxyStoreError, SchemaError, StoreBusy, StoreTimeout, StoreUnavailable
from proxystore.migrating import log
from proxystore.migrating.histories import Migrations
from proxystore.migrating.transactions import unwrapped
from proxystore.records.migration import Revision

_Steps: TypeAlias = Callable[[Any, MigrationContext], Iterable[Any]]

_ENVIRONMENT: Final = Path(proxystore_migrations.__file__).parent
_PASSING: Final = (StoreBusy, StoreTimeout, StoreUnavailable)


class Scripts:
    """The revisions of one history, as this release has them.

    Raises:
        SchemaError: They are not one line that ends at the package's ``HEAD``.
    """

    def __init__(self, migrations: Migrations) -> None:
        self._migrations = migrations
        # As objects and never through Config's options, where a "%" or a blank in a path means something.
        self._directory = ScriptDirectory(str(_ENVIRONMENT), version_locations=[str(migrations.versions)])
        if self._directory.get_heads() != [migrations.head]:
            raise SchemaError(f"the revisions of {migrations.package} are not one line that ends at its HEAD")

    def upgrade(self, connection: Connection, metadata: MetaData) -> list[Revision]:
        """Apply what is missing, oldest first, and return it.

        Raises:
            SchemaError: The database stands at a revision that is not among these, or one of these failed.
        """
        before = {step.id for step in self._applied(connection)}
        # What alembic.command passes as well; its own way in reads a file of configuration.
        self._run(connection, metadata, lambda at, _: self._directory._upgrade_revs("head", at))  # noqa: SLF001
        return [step for step in self._applied(connection) if step.id not in before]

    def downgrade(self, connection: Connection, metadata: MetaData, to: str | None) -> list[Revision]:
        """Undo what came after *to* (``None``: the newest alone), newest first, and return it.

        Raises:
            SchemaError: *to* is not applied, or as for :meth:`upgrade`.
        """
        before = self._applied(connection)
        path = ["base", *(step.id for step in before)]
        target = path[-2:][0] if to is None else to
        if target not in path:
            raise SchemaError(f"cannot go back to revision {target}: this database has {', '.join(path[1:]) or 'none'}")
        self._run(connection, metadata, lambda at, _: self._directory._downgrade_revs(target, at))  # noqa: SLF001
        return before[: path.index(target) - len(path) : -1] if target != path[-1] else []

    def status(self, connection: Connection) -> list[Revision]:
        """Return every revision, oldest first; those of another release last."""
        entries = {entry.revision: entry for entry in log.read(connection, self._migrations.version_table)}
        known = [self._revision(name, message, entries.pop(name, None)) for name, message in self._line()]
        return known + [self._revision(*entry[:2], entry, is_known=False) for entry in entries.values()]

    def wrong(self, connection: Connection) -> list[str]:
        """Return what keeps the database from standing at the newest revision, a line each."""
        stray = self._stray(connection)
        if stray is not None:
            return [stray]
        return [
            f"revision {step.id} of {step.history} is not applied: run `proxystore db upgrade`"
            for step in self.status(connection)
            if step.applied_at is None
        ]

    def _applied(self, connection: Connection) -> list[Revision]:
        return [step for step in self.status(connection) if step.applied_at is not None]

    def _line(self) -> list[tuple[str, str]]:
        return [(script.revision, script.doc) for script in self._directory.walk_revisions()][::-1]

    def _stray(self, connection: Connection) -> str | None:
        """Say what to do about a revision that is not among these, if the database stands at one."""
        options = {"version_table": self._migrations.version_table}
        heads = MigrationContext.configure(connection, opts=options).get_current_heads()
        strays = set(heads) - {name for name, _ in self._line()}
        if not strays:
            return None
        return (
            f"the database is at revision {', '.join(sorted(strays))} of {self._migrations.package}, which this "
            "release does not know: a newer one has migrated it. Install that, or restore a backup from before it"
        )

    def _revision(self, name: str, message: str, entry: log.Entry | None, *, is_known: bool = True) -> Revision:
        return Revision(
            history=self._migrations.package,
            id=name,
            message=message.rstrip("."),
            applied_at=None if entry is None else entry.applied_at,
            is_known=is_known,
        )

    def _run(self, connection: Connection, metadata: MetaData, steps: _Steps) -> None:
        stray = self._stray(connection)
        if stray is not None:
            raise SchemaError(stray)
        log.revisions.create(connection, checkfirst=True)
        try:
            with EnvironmentContext(self._config(connection, metadata), self._directory, fn=steps):
                self._directory.run_env()
        except Exception as error:
            raise self._failure(error) from error

    def _config(self, connection: Connection, metadata: MetaData) -> Config:
        config = Config()
        config.attributes.update(
            connection=connection,
            target_metadata=metadata,
            version_table=self._migrations.version_table,
            render_as_batch=connection.dialect.name == "sqlite",
            on_version_apply=log.write,
        )
        return config

    def _failure(self, error: Exception) -> Exception:
        ours = unwrapped(error)
        if isinstance(ours, _PASSING):
            return ours
        reason = ours.__cause__ or ours if isinstance(ours, ProxyStoreError) else error
        told = reason.args[0] if reason.args else type(reason).__name__
        return SchemaError(f"a revision of {self._migrations.package} failed, and nothing was changed: {told}")
