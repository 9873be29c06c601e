"""Two uvicorn workers on one database, over real sockets: who is let in, and how soon a change is known to both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest

from proxystore import Settings, Store, credentials
from tests import clients
from tests.changes.test_following import KILL_LISTENERS
from tests.servers.world import Kind, running

pytestmark = pytest.mark.xdist_group("clients")

_WORKERS = Kind(("-m", "uvicorn", "--port", "{port}", "--workers", "2"), app="tests.acceptance.auth_gateway:app")
_CHAT = "/v1/chat/completions"
_ASKED: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "two words"}]}
_FOREIGN = "sk-of-somebody-else-0123456789abcdef"


class Workers:
    """A connection to each of two workers."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clients: dict[str, httpx.Client] = {}

    def open(self) -> None:
        deadline = time.monotonic() + 30
        while len(self.clients) < 2:
            assert time.monotonic() < deadline
            client = httpx.Client(base_url=self.url, timeout=30)
            worker = client.get("/v1/models").headers["x-worker"]
            if self.clients.setdefault(worker, client) is not client:
                client.close()

    def close(self) -> None:
        for client in self.clients.values():
            client.close()

    def ask(self, secret: str | None = None, **more: Any) -> list[httpx.Response]:
        """Ask both, on the connections that lead to them."""
        headers = {"authorization": f"Bearer {secret}"} if secret is not None else {}
        answers = []
        for worker, client in self.clients.items():
            answer = client.request(**{"method": "POST", "url": _CHAT, "json": _ASKED, "headers": headers, **more})
            assert answer.headers["x-worker"] == worker
            answers.append(answer)
        return answers

    def statuses(self, secret: str | None = None, **more: Any) -> list[int]:
        return [answer.status_code for answer in self.ask(secret, **more)]

    def seconds_until(self, status: int, secret: str) -> float:
        """Return how long it takes until both answer so."""
        began = time.monotonic()
        while self.statuses(secret) != [status, status]:
            assert time.monotonic() - began < 5
        return time.monotonic() - began


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    return Settings.load(database_url=migrated_url, data_dir=tmp_path / "data")


@pytest.fixture(name="workers")
def _workers(settings: Settings) -> Iterator[Workers]:
    environ = {"PROXYSTORE_DATABASE_URL": settings.database_url, "PROXYSTORE_DATA_DIR": str(settings.data_dir)}
    with running(_WORKERS, environ) as served:
        workers = Workers(served.url)
        workers.open()
        yield workers
        workers.close()


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Store]:
    async with Store(settings=settings) as store:
        yield store


async def test_both_workers_let_in_the_same_and_refuse_the_same(settings: Settings, workers: Workers) -> None:
    assert "proxystore keys create" in workers.ask()[0].json()["error"]["message"]
    now = datetime.now(UTC)
    async with _store(settings) as store:
        project = await store.projects.create(name="closed")
        keys = store.keys
        good = (await keys.create(name="good")).secret
        revoked, inactive, deleted = [await keys.create(name=name) for name in ("revoked", "inactive", "deleted")]
        of_closed = (await keys.create(name="of closed", project="closed")).secret
        expired = (await keys.create(name="expired", expires_at=now + timedelta(milliseconds=1))).secret
        rotated = await keys.create(name="rotated")
        at_once = await keys.rotate(rotated.record.id)
        with_grace = await keys.create(name="with grace")
        later = await keys.rotate(with_grace.record.id, grace=timedelta(hours=1))
        bound = (await keys.create(name="bound", models=["gpt-4o"])).secret
        await keys.import_key(_FOREIGN, name="imported")
        await keys.revoke(revoked.record.id)
        await keys.deactivate(inactive.record.id)
        await keys.delete(deleted.record.id)
        await store.projects.deactivate(project.id)

    table: list[tuple[str | None, dict[str, Any], int, str | None]] = [
        (None, {}, 401, "missing_api_key"),
        (good, {}, 200, None),
        (good[:-1] + ("0" if good[-1] != "0" else "1"), {}, 401, "invalid_api_key"),
        (credentials.new_secret(), {}, 401, "invalid_api_key"),
        ("sk-anything", {}, 401, "invalid_api_key"),
        (revoked.secret, {}, 401, "key_inactive"),
        (inactive.secret, {}, 401, "key_inactive"),
        (deleted.secret, {}, 401, "key_inactive"),
        (expired, {}, 401, "key_expired"),
        (rotated.secret, {}, 401, "invalid_api_key"),
        (at_once.secret, {}, 200, None),
        (with_grace.secret, {}, 200, None),
        (later.secret, {}, 200, None),
        (of_closed, {}, 403, "project_inactive"),
        (bound, {}, 200, None),
        (bound, {"json": {**_ASKED, "model": "gpt-4o-mini"}}, 403, "model_not_allowed"),
        (bound, {"json": {"messages": []}}, 400, "unreadable_request"),
        (_FOREIGN, {}, 200, None),
        (None, {"headers": {"x-api-key": good}}, 200, None),
        (None, {"headers": {"x-proxystore-key": good, "authorization": "Bearer theirs"}}, 200, None),
        (
            None,
            {"headers": {"x-proxystore-key": "nonsense", "authorization": f"Bearer {good}"}},
            401,
            "invalid_api_key",
        ),
        (None, {"params": {"key": good}}, 200, None),
        (None, {"method": "GET", "url": "/v1/models", "json": None}, 401, None),
        (good, {"method": "GET", "url": "/v1/models", "json": None}, 200, None),
        (None, {"method": "GET", "url": "/health", "json": None}, 404, None),
        (None, {"method": "GET", "url": "/health/%2e%2e/v1/models", "json": None}, 401, None),
    ]
    for secret, more, status, code in table:
        for answer in workers.ask(secret, **more):
            assert answer.status_code == status, (secret, more, answer.text)
            assert ("www-authenticate" in answer.headers) == (status == 401)
            if code is not None:
                assert answer.json()["error"]["code"] == code, (secret, more)
    narrowed = workers.ask(bound, method="GET", url="/v1/models", json=None)
    assert [[model["id"] for model in answer.json()["data"]] for answer in narrowed] == [["gpt-4o"]] * 2
    _try_official_clients(workers.url, revoked.secret, bound, of_closed)


def _try_official_clients(url: str, revoked: str, bound: str, of_closed: str) -> None:
    for key, model, kind in (
        (revoked, "gpt-4o", clients.openai.AuthenticationError),
        (bound, "gpt-4o-mini", clients.openai.PermissionDeniedError),
        (of_closed, "gpt-4o", clients.openai.PermissionDeniedError),
    ):
        with clients.openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client, pytest.raises(kind):
            client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}])
    for key, error in (
        (bound, clients.anthropic.PermissionDeniedError),
        ("nobody", clients.anthropic.AuthenticationError),
    ):
        with clients.anthropic.Anthropic(base_url=url, api_key=key, max_retries=0) as claude, pytest.raises(error):
            claude.messages.create(model="claude-haiku-4-5", max_tokens=5, messages=[{"role": "user", "content": "hi"}])


async def test_a_change_is_known_to_both_workers_within_a_second(settings: Settings, workers: Workers) -> None:
    await asyncio.sleep(0.5)  # on PostgreSQL both have begun to listen
    async with _store(settings) as store:
        revoked = [await _seconds_until_refused(store, workers) for _ in range(5)]
        assert max(revoked) < 1, revoked
        if store.database.dialect == "postgresql":
            assert median(revoked) < 0.1, revoked

        for _ in range(5):
            new = await store.keys.create(name="new")
            assert workers.statuses(new.secret) == [200, 200], "a new key works at once"

        await store.keys.deactivate(new.record.id)
        assert workers.seconds_until(401, new.secret) < 1
        await store.keys.reactivate(new.record.id)
        assert workers.seconds_until(200, new.secret) < 1

        assert workers.statuses(_FOREIGN) == [401, 401]
        await store.keys.import_key(_FOREIGN, name="theirs")
        assert workers.seconds_until(200, _FOREIGN) < 1, "having been guessed does not hide a key"

        assert (await _stalled(workers, new.secret, lambda: store.keys.revoke(new.record.id))) == 401
        if store.database.dialect == "postgresql":
            await store.database.fetch_all(KILL_LISTENERS)
            assert await _seconds_until_refused(store, workers) < 1


async def _seconds_until_refused(store: Store, workers: Workers) -> float:
    """Return how long a key that both workers know is let in after it was revoked."""
    key = await store.keys.create(name="a key")
    assert workers.statuses(key.secret) == [200, 200]
    await store.keys.revoke(key.record.id)
    return workers.seconds_until(401, key.secret)


async def _stalled(workers: Workers, secret: str, revoke: Callable[[], Awaitable[object]]) -> int:
    """Return what a worker answers that has stood still while a key was revoked."""
    client = next(iter(workers.clients.values()))
    headers = {"authorization": f"Bearer {secret}"}
    assert client.post(_CHAT, json=_ASKED, headers=headers).status_code == 200
    with ThreadPoolExecutor(1) as thread:
        stalling = thread.submit(client.get, "/stall", headers=headers)
        await asyncio.sleep(0.3)
        await revoke()
        await asyncio.to_thread(stalling.result)
    return client.post(_CHAT, json=_ASKED, headers=headers).status_code
