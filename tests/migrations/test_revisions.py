"""Every revision goes up, down and up again."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from proxystore.errors import SchemaError
from proxystore.migrating import BUILT_IN, downgrade, status, upgrade
from proxystore.migrating.scripts import Scripts
from proxystore.settings.url import DatabaseURL
from tests.migrations.histories import History
from tests.migrations.looking import MACHINERY, SCHEMA, catalogue, look, tables

_NAMES = sorted(file.name[1:5] for file in BUILT_IN.versions.glob("r*.py"))


def test_the_package_says_its_head() -> None:
    assert _NAMES[-1] == BUILT_IN.head


def test_a_package_that_says_another_head_is_refused(history: History) -> None:
    history.add("Do nothing", "pass")
    (history.migrations.versions / "r0002.py").write_text('"""Again."""\nrevision = "0002"\ndown_revision = "0001"\n')

    with pytest.raises(SchemaError, match="HEAD"):
        Scripts(history.migrations)


@pytest.mark.parametrize(("parent", "revision"), list(pairwise(["base", *_NAMES])))
def test_a_revision_goes_up_and_down_and_up(database_url: str, parent: str, revision: str) -> None:
    url = DatabaseURL.parse(database_url)
    asyncio.run(upgrade(url, schema=SCHEMA))
    before = look(database_url, catalogue)

    undone = asyncio.run(downgrade(url, schema=SCHEMA, to=parent))
    below = look(database_url, tables)
    again = asyncio.run(upgrade(url, schema=SCHEMA))

    assert undone[-1].id == again[0].id == revision
    assert (below == MACHINERY) is (parent == "base")
    assert look(database_url, catalogue) == before


async def test_the_newest_alone_is_undone(database_url: str, history: History) -> None:
    url = DatabaseURL.parse(database_url)
    for name in ("one", "two", "three"):
        history.add(
            f"Create {name}", f"op.create_table({name!r}, sa.Column('n', sa.Integer))", f"op.drop_table({name!r})"
        )
    await upgrade(url, schema=SCHEMA, migrations=[history.migrations])

    first = await downgrade(url, schema=SCHEMA, history=history.migrations)
    others = await downgrade(url, schema=SCHEMA, history=history.migrations, to="base")
    none = await downgrade(url, schema=SCHEMA, history=history.migrations)

    assert [step.id for step in first] == ["0003"]
    assert [step.id for step in others] == ["0002", "0001"]
    assert none == []


async def test_only_what_was_applied_can_be_gone_back_to(database_url: str) -> None:
    url = DatabaseURL.parse(database_url)
    await upgrade(url, schema=SCHEMA)

    with pytest.raises(SchemaError, match="0815"):
        await downgrade(url, schema=SCHEMA, to="0815")


async def test_a_table_that_is_rebuilt_keeps_what_names_it(sqlite_url: str, history: History) -> None:
    """SQLite changes a column by a new table in place of the old: nothing cascades when the old one is dropped."""
    url = DatabaseURL.parse(sqlite_url)
    history.add(
        "Create parents and children",
        """op.create_table('parents', sa.Column('id', sa.Integer, primary_key=True), sa.Column('n', sa.Integer))
    op.create_table('children', sa.Column('parent', sa.Integer, sa.ForeignKey('parents.id', ondelete='CASCADE')))
    op.execute('INSERT INTO parents VALUES (1, 2)')
    op.execute('INSERT INTO children VALUES (1)')""",
    )
    history.add(
        "Widen",
        """with op.batch_alter_table('parents') as batch:
        batch.alter_column('n', type_=sa.Text(), nullable=False)""",
    )
    await upgrade(url, schema=SCHEMA, migrations=[history.migrations])
    history.add("Orphan", "op.execute('DELETE FROM parents')")

    with pytest.raises(SchemaError, match="children"):
        await upgrade(url, schema=SCHEMA, migrations=[history.migrations])

    steps = await status(url, schema=SCHEMA, migrations=[history.migrations])
    assert [step.applied_at is not None for step in steps] == [True] * (len(steps) - 1) + [False]
