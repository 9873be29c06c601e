"""What was applied when."""

from __future__ import annotations

from datetime import UTC, datetime

from proxystore.migrating import BUILT_IN, downgrade, status, upgrade
from proxystore.settings.url import DatabaseURL
from tests.migrations.histories import History
from tests.migrations.looking import SCHEMA


async def test_revisions_come_in_order_with_the_time_they_were_applied(database_url: str, history: History) -> None:
    url = DatabaseURL.parse(database_url)
    histories = [history.migrations]
    history.add("Do one thing", "pass")
    began = datetime.now(UTC)
    await upgrade(url, schema=SCHEMA, migrations=histories)
    between = datetime.now(UTC)
    history.add("Do another", "pass")
    history.add("Do the last", "pass")

    pending = await status(url, schema=SCHEMA, migrations=histories)
    await upgrade(url, schema=SCHEMA, migrations=histories)
    applied = await status(url, schema=SCHEMA, migrations=histories)

    ours = [step for step in applied if step.history == BUILT_IN.package]
    assert applied[: len(ours)] == ours
    assert [(step.id, step.message) for step in applied[len(ours) :]] == [
        ("0001", "Do one thing"),
        ("0002", "Do another"),
        ("0003", "Do the last"),
    ]
    assert [step.applied_at for step in pending[-2:]] == [None, None]
    times = [step.applied_at for step in applied if step.applied_at is not None]
    assert times == sorted(times)
    assert began <= times[0] <= times[-3] <= between <= times[-2] <= datetime.now(UTC)


async def test_what_was_undone_is_no_longer_applied(database_url: str, history: History) -> None:
    url = DatabaseURL.parse(database_url)
    history.add("Do one thing", "pass")
    history.add("Do another", "pass")
    await upgrade(url, schema=SCHEMA, migrations=[history.migrations])

    await downgrade(url, schema=SCHEMA, history=history.migrations)

    steps = await status(url, schema=SCHEMA, migrations=[history.migrations])
    assert [step.applied_at is None for step in steps[-2:]] == [False, True]


async def test_a_revision_of_a_newer_release_is_told_with_its_message(database_url: str, history: History) -> None:
    url = DatabaseURL.parse(database_url)
    history.add("Do one thing", "pass")
    history.add("Do what only a newer release knows", "pass")
    await upgrade(url, schema=SCHEMA, migrations=[history.migrations])
    history.remove_newest()

    last = (await status(url, schema=SCHEMA, migrations=[history.migrations]))[-1]

    assert (last.id, last.message, last.is_known) == ("0002", "Do what only a newer release knows", False)
    assert last.applied_at is not None
