"""Two workers of a real server on one database, and official clients."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from proxystore.values import Limit
from tests import clients
from tests.limits.world import limit
from tests.servers.world import Kind, running

pytestmark = pytest.mark.xdist_group("clients")

_ASKED: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "two words"}], "max_tokens": 20}
_WORKERS = Kind(("-m", "uvicorn", "--port", "{port}", "--workers", "2"), app="tests.limits.gateway:app")


def _header(*limits: Limit) -> str:
    return json.dumps(msgspec.to_builtins(limits))


def _ask(url: str, *limits: Limit) -> httpx.Response:
    return httpx.post(f"{url}/v1/chat/completions", json=_ASKED, headers={"x-limits": _header(*limits)}, timeout=60)


def test_two_workers_on_one_database_let_through_what_may_pass(migrated_url: str, tmp_path: Path) -> None:
    environ = {
        "PROXYSTORE_DATABASE_URL": migrated_url,
        "PROXYSTORE_DATA_DIR": str(tmp_path / "data"),
    }
    with running(_WORKERS, environ) as served, ThreadPoolExecutor(20) as clients:
        _wait_for_both_workers(served.url)
        for window in ("minute", "ever"):
            owners = (f"key_{window}_{attempt}" for attempt in range(10))
            # Who is asked first is for the kernel to say: now and then one of them is asked for all there is.
            assert any(len(_ask_for_too_much(served.url, clients, window, owner)) == 2 for owner in owners)
        _try_official_client(served.url)


def _ask_for_too_much(url: str, clients: ThreadPoolExecutor, window: str, owner: str) -> set[str]:
    """Ask four times as often as *owner* may, and return who let it pass."""
    held_to = limit(amount=25, window=window, owner=owner)
    began = time.time()
    answers = list(clients.map(lambda held_to: _ask(url, held_to), [held_to] * 100))
    took, left = time.time() - began, 60 - began % 60
    passed = [answer.headers["x-worker"] for answer in answers if answer.status_code == 200]
    slid = window == "minute" and took > left  # into the next minute, in which more may pass after a while
    assert 25 <= len(passed) <= (25 + took * 25 / 60 if slid else 25), (window, began, took)
    assert {answer.status_code for answer in answers} == {200, 429}
    return set(passed)


def _wait_for_both_workers(url: str) -> None:
    workers: set[str] = set()
    while len(workers) < 2:
        workers.add(_ask(url, limit(amount=1_000_000, window="day", owner="key_early")).headers["x-worker"])


def _try_official_client(url: str) -> None:
    used_up = {
        "rate": (limit(amount=1, window="minute", owner="key_r"), clients.openai.RateLimitError, "rate_limit_exceeded"),
        "quota": (limit(amount=1, window="day", owner="key_q"), clients.openai.RateLimitError, "insufficient_quota"),
        "budget": (limit("nanousd", 10, "month", "key_b"), clients.openai.APIStatusError, "insufficient_quota"),
    }
    for held_to, kind, code in used_up.values():
        header = {"x-limits": _header(held_to)}
        with clients.openai.OpenAI(
            base_url=f"{url}/v1", api_key="sk-unused", default_headers=header, max_retries=2
        ) as client:
            if held_to.unit == "requests":
                client.chat.completions.create(**_ASKED)
            with pytest.raises(kind) as refused:
                client.with_options(max_retries=2 if code == "insufficient_quota" else 0).chat.completions.create(
                    **_ASKED
                )
            assert refused.value.code == code
            assert refused.value.status_code == (402 if held_to.unit == "nanousd" else 429)
