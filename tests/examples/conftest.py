"""What the tests of the examples share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from proxystore import Settings, Store, UsageEvent
from tests import clients
from tests.keys import make_key

Events: TypeAlias = Callable[[], list[UsageEvent]]
SAID: Final = "how do you do"

# `tox -e litellm` installs it; it and its hundred dependencies are in no other environment.
collect_ignore = [] if find_spec("litellm") else ["test_litellm.py"]


@pytest.fixture(name="environ")
def _environ(migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the recipes are told: the database, and nothing else."""
    environ = {"PROXYSTORE_DATABASE_URL": migrated_url, "PROXYSTORE_DATA_DIR": str(tmp_path / "data")}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return environ


@pytest.fixture(name="key")
def _key(environ: dict[str, str]) -> str:
    """A key of ours."""
    return make_key(Settings.load(environ=environ))


@pytest.fixture(name="events")
def _events(environ: dict[str, str]) -> Events:
    """Return every event that was recorded, oldest first."""

    async def read() -> list[UsageEvent]:
        async with Store(settings=Settings.load(environ=environ)) as store:
            assert await store.ledger.drain(10)
            return list(reversed(await store.usage.list(limit=100)))

    return lambda: asyncio.run(read())


def chat(url: str, key: str) -> str | None:
    """Chat once with the official client."""
    with clients.openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client:
        answer = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": SAID}])
        said: str | None = answer.choices[0].message.content
        return said


def stream(url: str, key: str) -> str:
    """Chat once, streamed."""
    with clients.openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client:
        chunks = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": SAID}], stream=True
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
