"""What the tables refuse, and what they fill in."""

from __future__ import annotations

import pytest
from sqlalchemy import Table, select

from proxystore.database import Database, Query
from proxystore.errors import Conflict, InvalidRecord
from proxystore.schema import api_keys, audit_events, metadata, projects, usage_daily
from proxystore.schema.audit import AUDIT_OUTCOMES
from proxystore.settings.url import DatabaseURL
from tests.schema.rows import add, row


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: str(table.name))
def test_every_constraint_and_index_has_a_name(table: Table) -> None:
    """Without one a migration cannot drop it on both databases."""
    assert not [constraint for constraint in table.constraints if constraint.name is None]
    assert not [index for index in table.indexes if index.name is None]


@pytest.mark.parametrize(("table", "column"), [(projects, "name"), (api_keys, "digest")])
async def test_what_is_unique_is_refused_twice(migrated_url: str, table: Table, column: str) -> None:
    async with Database(DatabaseURL.parse(migrated_url)) as database:
        first = row(table)
        await add(database, table, first)
        with pytest.raises(Conflict):
            await add(database, table, row(table, **{column: first[column]}))


@pytest.mark.parametrize("outcome", AUDIT_OUTCOMES)
async def test_every_outcome_of_an_audit_event_fits(migrated_url: str, outcome: str) -> None:
    async with Database(DatabaseURL.parse(migrated_url)) as database:
        await add(database, audit_events, row(audit_events, outcome=outcome))


async def test_another_outcome_of_an_audit_event_is_refused(migrated_url: str) -> None:
    async with Database(DatabaseURL.parse(migrated_url)) as database:
        with pytest.raises(InvalidRecord):
            await add(database, audit_events, row(audit_events, outcome="perhaps"))


async def test_the_server_fills_in_what_is_not_given(migrated_url: str) -> None:
    async with Database(DatabaseURL.parse(migrated_url)) as database:
        await add(database, projects, row(projects))
        await add(database, usage_daily, row(usage_daily))

        project = await database.fetch_one(Query(select(projects.c.is_active, projects.c.settings), _record))
        totals = await database.fetch_one(Query(select(usage_daily), _record))

    assert project == {"is_active": True, "settings": {}}
    assert totals is not None
    assert {value for name, value in totals.items() if name not in {"day", "series_id"}} == {0}


def _record(**columns: object) -> dict[str, object]:
    return columns
