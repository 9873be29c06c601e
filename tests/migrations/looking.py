"""What a database really holds, as its own catalogue tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias, TypeVar

from sqlalchemy import Connection, inspect, text

from proxystore.migrating import BUILT_IN, transactions
from proxystore.migrating.log import revisions
from proxystore.settings.url import DatabaseURL

R = TypeVar("R")
Catalogue: TypeAlias = list[tuple[object, ...]]

SCHEMA = "proxystore"
MACHINERY = {BUILT_IN.version_table, revisions.name}

_SQLITE = "SELECT type, tbl_name, name, sql FROM sqlite_master ORDER BY tbl_name, type, name"
_POSTGRES = """
    WITH tables AS (SELECT oid, relname, relkind FROM pg_class
                    WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind IN ('r', 'p'))
    SELECT relname, 'table', '', concat_ws(' ', relkind, pg_get_partkeydef(oid)) FROM tables
    UNION ALL
    SELECT relname, 'column', attname,
           concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, attidentity, pg_get_expr(adbin, adrelid))
    FROM tables JOIN pg_attribute ON attrelid = tables.oid AND attnum > 0 AND NOT attisdropped
         LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    UNION ALL
    SELECT relname, 'constraint', conname, pg_get_constraintdef(pg_constraint.oid)
    FROM tables JOIN pg_constraint ON conrelid = tables.oid
    UNION ALL
    SELECT relname, 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM tables JOIN pg_index ON indrelid = tables.oid
    ORDER BY 1, 2, 3
"""


def look(url: str, work: Callable[[Connection], R], schema: str = SCHEMA) -> R:
    """Return what *work* finds."""
    return asyncio.run(transactions.read(DatabaseURL.parse(url), schema, work, timeout=10))


def change(url: str, *statements: str, schema: str = SCHEMA) -> None:
    """Run *statements* behind everybody's back."""

    def work(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    asyncio.run(transactions.write(DatabaseURL.parse(url), schema, work, timeout=10))


def tables(connection: Connection) -> set[str]:
    """Return the names of all tables."""
    return set(inspect(connection).get_table_names())


def catalogue(connection: Connection) -> Catalogue:
    """Return every table, column, constraint and index, as the database itself spells it, whatever their order."""
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text(_SQLITE))
        return [(*row[:3], _parts(row.sql)) for row in rows if row.tbl_name not in MACHINERY]
    schema = connection.dialect.default_schema_name
    rows = connection.execute(text(_POSTGRES), {"schema": f'"{schema}"'})
    return [tuple(str(part).replace(f"{schema}.", "") for part in row) for row in rows if row.relname not in MACHINERY]


def _parts(sql: str | None) -> list[str]:
    """Take a CREATE apart, so that the order of columns and constraints does not matter: later revisions append."""
    head, _, rest = (sql or "").partition("(")
    body, _, tail = rest.rpartition(")")
    parts, depth = [""], 0
    for character in body:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    head = head.replace('"', "").strip()  # SQLite puts a table's name in quotes when it is renamed
    return [head, *sorted(" ".join(part.split()) for part in parts), tail.strip()]
