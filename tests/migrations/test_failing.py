"""What fails in the middle leaves the schema as it was."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import pytest

from proxystore.errors import SchemaError
from proxystore.migrating import status, upgrade
from proxystore.settings.url import DatabaseURL
from tests import born
from tests.migrations.histories import History
from tests.migrations.looking import SCHEMA, catalogue, look, tables

_UPGRADE = """
import asyncio, sys
from proxystore.migrating import Migrations, upgrade
from proxystore.settings.url import DatabaseURL
url, *history = sys.argv[1:]
asyncio.run(upgrade(DatabaseURL.parse(url), schema="proxystore", migrations=[Migrations(*history)]))
"""
_CREATE = "op.create_table('colours', sa.Column('n', sa.Integer))"
_STOP = f"{_CREATE}; op.execute('INSERT INTO shapes VALUES (1)'); print('inside', flush=True); input()"


def test_a_process_killed_inside_a_revision_leaves_the_old_schema(database_url: str, history: History) -> None:
    url = DatabaseURL.parse(database_url)
    history.add("Create shapes", "op.create_table('shapes', sa.Column('n', sa.Integer))")
    asyncio.run(upgrade(url, schema=SCHEMA, migrations=[history.migrations]))
    before = look(database_url, catalogue)
    name = history.add("Create colours", _STOP)
    command = [
        sys.executable,
        "-c",
        _UPGRADE,
        database_url,
        history.migrations.package,
        history.migrations.version_table,
    ]
    process = born.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "inside\n"

    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)

    assert look(database_url, catalogue) == before
    steps = asyncio.run(status(url, schema=SCHEMA, migrations=[history.migrations]))
    assert [step.id for step in steps if step.applied_at is None] == [name]
    history.remove_newest()
    history.add("Create colours, and go on", _CREATE)
    assert asyncio.run(upgrade(url, schema=SCHEMA, migrations=[history.migrations]))


@pytest.mark.parametrize(
    ("failure", "told"),
    [("op.execute('SELECT 1 FROM nowhere')", "nowhere"), ("raise ValueError('no such luck')", "no such luck")],
)
def test_a_revision_that_fails_leaves_nothing_of_the_whole_upgrade(
    database_url: str, history: History, failure: str, told: str
) -> None:
    history.add("Create colours", _CREATE)
    history.add("Fail", f"op.create_table('shapes', sa.Column('n', sa.Integer)); {failure}")

    with pytest.raises(SchemaError, match=rf"{history.migrations.package} failed, and nothing was changed.*{told}"):
        asyncio.run(upgrade(DatabaseURL.parse(database_url), schema=SCHEMA, migrations=[history.migrations]))

    assert look(database_url, tables) == set()
