"""Are the tables what this release takes them to be?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Identity, MetaData


def differences(connection: Connection, metadata: MetaData) -> list[str]:
    """Return where the tables differ from *metadata*, a line each; tables that it does not name are not looked at."""

    def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or name in metadata.tables

    options = {"compare_type": True, "compare_server_default": True, "include_name": is_ours}
    context = MigrationContext.configure(connection, opts=options)
    found = [difference for group in compare_metadata(context, metadata) for difference in _flat(group)]
    return [_told(difference) for difference in found if not _is_counting(connection, difference)]


def _flat(group: Any) -> Iterator[tuple[Any, ...]]:
    yield from group if isinstance(group, list) else (group,)  # what concerns one column comes as a list


def _is_counting(connection: Connection, difference: tuple[Any, ...]) -> bool:
    # SQLite's integer primary keys count by themselves: it has no IDENTITY that could be found.
    return connection.dialect.name == "sqlite" and isinstance(difference[-1], Identity) and difference[-2] is None


def _told(difference: tuple[Any, ...]) -> str:
    kind, *details = difference
    return f"{kind.replace('_', ' ')}: {', '.join(str(detail) for detail in details if detail is not None)}"
