"""The revisions end where the metadata is."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection, create_engine, text

from proxystore.migrating import check, upgrade
from proxystore.schema import metadata
from proxystore.settings.url import DatabaseURL
from tests.migrations.looking import MACHINERY, SCHEMA, Catalogue, catalogue, change, look, tables


def _expected(url: str) -> Catalogue:
    """Return the catalogue that the metadata alone would make."""
    if url.startswith("sqlite"):
        engine = create_engine("sqlite://")
        try:
            with engine.begin() as connection:
                metadata.create_all(connection)
                return catalogue(connection)
        finally:
            engine.dispose()
    schema = "expected"

    def create(connection: Connection) -> None:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
        connection.execute(text(f"SET LOCAL search_path TO {schema}"))
        metadata.create_all(connection)

    from proxystore.migrating import transactions

    asyncio.run(transactions.write(DatabaseURL.parse(url), SCHEMA, create, timeout=10))
    return look(url, catalogue, schema)


def test_upgrading_from_empty_gives_the_metadata(migrated_url: str) -> None:
    assert asyncio.run(check(DatabaseURL.parse(migrated_url), schema=SCHEMA)) == []


def test_upgrading_from_empty_gives_the_metadata_to_the_letter(migrated_url: str) -> None:
    """Alembic compares neither checks, nor the names of primary keys, nor partitions, nor WITHOUT ROWID."""
    assert look(migrated_url, catalogue) == _expected(migrated_url)


def test_nothing_but_the_metadatas_tables_is_made(migrated_url: str) -> None:
    assert look(migrated_url, tables) == set(metadata.tables) | MACHINERY


def test_events_are_partitioned_by_their_id_which_alone_is_the_key(postgres_url: str) -> None:
    asyncio.run(upgrade(DatabaseURL.parse(postgres_url), schema=SCHEMA))
    found = {row[1:] for row in look(postgres_url, catalogue) if row[0] == "usage_events"}

    assert ("table", "", "p RANGE (event_id)") in found
    assert ("constraint", "pk_usage_events", "PRIMARY KEY (event_id)") in found
    assert look(postgres_url, lambda c: c.execute(text("SELECT count(*) FROM pg_inherits")).scalar()) == 0


def test_the_counter_of_changes_begins_at_nought(migrated_url: str) -> None:
    assert look(migrated_url, lambda c: c.execute(text("SELECT name, value FROM generations")).all()) == [("all", 0)]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DROP INDEX ix_audit_events_occurred_at", "audit_events"),
        ("ALTER TABLE projects ADD COLUMN colour TEXT", "colour"),
        ("DROP TABLE changes", "changes"),
    ],
)
def test_what_somebody_changed_is_told(migrated_url: str, statement: str, told: str) -> None:
    change(migrated_url, statement)

    (problem,) = asyncio.run(check(DatabaseURL.parse(migrated_url), schema=SCHEMA))

    assert told in problem


def test_tables_of_a_plugin_are_nobodys_mistake(migrated_url: str) -> None:
    change(migrated_url, "CREATE TABLE colours (name TEXT PRIMARY KEY)")

    assert asyncio.run(check(DatabaseURL.parse(migrated_url), schema=SCHEMA)) == []
