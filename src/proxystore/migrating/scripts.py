"""The one door to Alembic: a history's revisions, run on a connection that already holds lock and transaction."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import proxystore_migrations
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, MetaData

from proxystore.errors import SchemaError
from proxystore.migrating import log
from proxystore.migrating.histories import Migrations
from proxystore.records.migration import Revision

_ENVIRONMENT: Final = Path(proxystore_migrations.__file__).parent


class Scripts:
    """The revisions of one history, as this release has them.

    Raises:
        SchemaError: The history has more than one newest revision.
    """

    def __init__(self, migrations: Migrations) -> None:
        self._migrations = migrations
        # Given as objects and never through Config's options, where a "%" or a space in a path means something.
        self._directory = ScriptDirectory(
            str(_ENVIRONMENT), version_locations=[str(migrations.directory / "versions")]
        )
        if len(self._directory.get_heads()) > 1:
            raise SchemaError(f"the history {migrations.package} has several newest revisions: it must be one line")

    @property
    def head(self) -> str | None:
        """The newest revision; ``None`` where there is none at all."""
        return self._directory.get_current_head()

    def upgrade(self, connection: Connection, metadata: MetaData) -> list[Revision]:
        """Apply what is missing, oldest first, and return it."""
        before = self._applied(connection)
        self._run(connection, metadata, lambda at, context: self._directory._upgrade_revs("head", at))
        return [step for step in self.status(connection) if step.applied_at and step.id not in before]

    def downgrade(self, connection: Connection, metadata: MetaData, to: str) -> list[Revision]:
        """Undo what came after *to*, newest first, and return it.

        Args:
            to: A revision, ``base`` for nothing at all, or ``-1`` for all but the newest.

        Raises:
            SchemaError: There is no such revision, or it is not an older one.
        """
        before = self.status(connection)
        applied = [step.id for step in before if step.applied_at]
        if to == "-1":
            to = ["base", *applied][-2] if applied else "base"
        if to not in ("base", *applied):
            raise SchemaError(f"cannot go down to revision {to!r}: it was never applied here")
        self._run(connection, metadata, lambda at, context: self._directory._downgrade_revs(to, at))
        left = self._applied(connection)
        return [step for step in reversed(before) if step.applied_at and step.id not in left]

    def status(self, connection: Connection) -> list[Revision]:
        """Return every revision, oldest first; those of a newer release last."""
        entries = {entry.revision: entry for entry in log.read(connection, self._migrations.version_table)}
        known = [
            self._revision(script.revision, script.doc, entries.pop(script.revision, None)) for script in self._line()
        ]
        return known + [self._revision(entry.revision, entry.message, entry, is_known=False) for entry in entries.values()]

    def check_known(self, connection: Connection) -> None:
        """Raise unless the database stands where this release has been.

        Raises:
            SchemaError: It stands at a revision of another release; the message says what to do.
        """
        known = {script.revision for script in self._line()}
        for revision in self._heads(connection):
            if revision not in known:
                raise SchemaError(unknown(self._migrations, revision))

    def is_at_head(self, connection: Connection) -> bool:
        """Whether nothing is missing."""
        return set(self._heads(connection)) == set(self._directory.get_heads())

    def _applied(self, connection: Connection) -> set[str]:
        return {entry.revision for entry in log.read(connection, self._migrations.version_table)}

    def _heads(self, connection: Connection) -> tuple[str, ...]:
        options = {"version_table": self._migrations.version_table}
        return MigrationContext.configure(connection, opts=options).get_current_heads()

    def _line(self) -> list[Script]:
        return list(self._directory.walk_revisions())[::-1]

    def _revision(self, id: str, message: str, entry: log.Entry | None, *, is_known: bool = True) -> Revision:
        applied_at = None if entry is None else entry.applied_at
        return Revision(
            history=self._migrations.package, id=id, message=message, applied_at=applied_at, is_known=is_known
        )

    def _run(self, connection: Connection, metadata: MetaData, steps: Any) -> None:
        self.check_known(connection)
        config = Config()
        config.attributes.update(
            connection=connection,
            target_metadata=metadata,
            version_table=self._migrations.version_table,
            render_as_batch=connection.dialect.name == "sqlite",
            on_version_apply=log.write,
        )
        log.revisions.create(connection, checkfirst=True)
        with EnvironmentContext(config, self._directory, fn=steps):
            self._directory.run_env()


def unknown(migrations: Migrations, revision: str) -> str:
    """Return what to do about a revision that this release does not have."""
    return (
        f"the database is at revision {revision} of {migrations.package}, which this release does not know: a newer one "
        "migrated it. Install that release, or restore a backup from before it"
    )


def differences(connection: Connection, metadata: MetaData) -> list[str]:
    """Return where the tables differ from *metadata*, one line each; tables that it does not name are not looked at."""

    def is_ours(name: str | None, kind: str, parents: Any) -> bool:
        return kind != "table" or name in metadata.tables

    options = {"compare_type": True, "compare_server_default": True, "include_name": is_ours}
    context = MigrationContext.configure(connection, opts=options)
    return [str(difference) for difference in compare_metadata(context, metadata)]
