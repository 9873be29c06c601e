"""``proxystore.asgi:app`` under other servers than ours, each a tree of real processes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from proxystore import Settings, Store
from tests.servers import filing
from tests.servers.world import ALONE, SERVERS, Kind, running, start


@pytest.fixture(name="environ")
def _environ(migrated_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "PROXYSTORE_APP": "tests.servers.gateway:app",
        "PROXYSTORE_DATABASE_URL": migrated_url,
        "PROXYSTORE_DATA_DIR": str(tmp_path / "data"),
        "PROXYSTORE_AUTH": "off",
        "HOME": str(tmp_path),  # gunicorn leaves something there
    }


async def _recorded(environ: dict[str, str]) -> tuple[list[str], int]:
    """Return the id of every event, and how many the roll-ups count."""
    async with Store(settings=Settings.load(environ=environ)) as store:
        assert await store.ledger.drain(10)
        events = await store.usage.list(limit=1_000)
        totals = await store.usage.summary(by="model")
        return sorted(str(event.event_id) for event in events), sum(row.requests for row in totals)


@pytest.mark.parametrize("kind", SERVERS.values(), ids=SERVERS.keys())
def test_every_answer_is_recorded_once_though_a_worker_is_killed(kind: Kind, environ: dict[str, str]) -> None:
    with running(kind, environ) as server:
        server.ask_many(24)
        if kind.is_respawning:
            server.kill_a_worker()
            server.ask_a_new_worker()

    answered = sorted(str(answer.event_id) for answer in server.answered)
    assert asyncio.run(_recorded(environ)) == (answered, len(answered))


def test_a_server_that_ends_when_a_worker_is_killed_leaves_nothing_behind(environ: dict[str, str]) -> None:
    with running(SERVERS["hypercorn"], environ) as server:
        server.ask_many(24)
        server.kill_a_worker()
        server.process.wait(30)

    answered = sorted(str(answer.event_id) for answer in server.answered)
    assert asyncio.run(_recorded(environ)) == (answered, 24)


def test_a_file_is_sent_by_the_server_and_rewritten_where_a_plugin_wants_it(environ: dict[str, str]) -> None:
    file = Path(filing.__file__).read_bytes()
    with running(replace(ALONE["granian"], app="tests.servers.filing:app"), environ) as server:
        sent = [httpx.get(server.url, headers=headers, timeout=10) for headers in ({}, {"x-louder": "yes"})]

    assert [answer.content for answer in sent] == [file, file.upper()]


@pytest.mark.parametrize("name", ALONE)
def test_what_cannot_be_served_is_said_in_one_sentence(name: str, tmp_path: Path) -> None:
    process = start(ALONE[name], {"PROXYSTORE_APP": "", "HOME": str(tmp_path)}, port=0)

    assert "PROXYSTORE_APP must name the application to wrap, such as my" in process.communicate(timeout=30)[0]
