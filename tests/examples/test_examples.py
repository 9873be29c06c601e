"""Every example runs, against a fake upstream and a real server."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest
from openai import OpenAI

from proxystore import Store
from proxystore.testing.serving import serving
from proxystore.testing.upstream import ANSWER, FakeUpstream

_EXAMPLES: Final = Path(__file__).parents[2] / "examples"
_SAID: Final = "how do you do"


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, _EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(name="url")
def _url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/proxystore.db"
    monkeypatch.setenv("PROXYSTORE_DATABASE_URL", url)
    return url


def _chat(base_url: str) -> str | None:
    with OpenAI(base_url=f"{base_url}/v1", api_key="none", max_retries=0) as client:
        answer = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": _SAID}])
        return answer.choices[0].message.content


def _stream(base_url: str) -> str:
    with OpenAI(base_url=f"{base_url}/v1", api_key="none", max_retries=0) as client:
        chunks = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": _SAID}], stream=True
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


async def _requests(url: str) -> int:
    async with Store(url) as store:
        return sum(row.requests for row in await store.usage.summary(by="model"))


def test_the_fastapi_proxy_streams_and_is_recorded(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(FakeUpstream()) as upstream:
        monkeypatch.setenv("UPSTREAM", upstream)
        with serving(_load("fastapi_proxy").app) as proxy:
            assert _chat(proxy) == ANSWER
            assert _stream(proxy) == ANSWER

    assert asyncio.run(_requests(url)) == 2


def test_the_plain_application_answers_and_the_report_tells_of_it(url: str) -> None:
    with serving(_load("plain_asgi").app) as proxy:
        assert _chat(proxy) == _SAID

    command = [sys.executable, str(_EXAMPLES / "report.py"), url]
    report = subprocess.run(command, capture_output=True, text=True, check=False)
    assert report.returncode == 0, report.stderr
    assert "gpt-4o" in report.stdout
