"""An application in its own environment: its ``DATABASE_URL`` and its keys are none of our business."""

from __future__ import annotations

import httpx
import pytest

from tests.examples.conftest import Events
from tests.servers.world import proxystore_run, running

pytestmark = pytest.mark.xdist_group("clients")

_THEIR_DATABASE = "postgresql://llm:secret@127.0.0.1:1/llm?connection_limit=10&pool_timeout=20"
_ASKED = {"model": "gpt-4o", "messages": []}


def test_its_database_and_its_key_stay_its_own(environ: dict[str, str], key: str, events: Events) -> None:
    theirs = {"DATABASE_URL": _THEIR_DATABASE}
    with running(proxystore_run("tests.examples.theirs:app"), {**environ, **theirs}) as server:
        answer = httpx.post(
            f"{server.url}/v1/chat/completions",
            json=_ASKED,
            headers={"authorization": "Bearer sk-theirs", "x-proxystore-key": key},
        ).json()

    assert answer["database"] == _THEIR_DATABASE
    assert answer["authorization"] == "Bearer sk-theirs"
    assert len(events()) == 1
    assert "secret" not in server.said
