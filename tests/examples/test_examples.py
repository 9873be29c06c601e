"""Every example runs, against a fake upstream and a real server, and leaves its records."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from proxystore.testing.serving import serving
from proxystore.testing.upstream import ANSWER, FakeUpstream
from tests import born
from tests.examples.conftest import SAID, Events, chat, stream

pytestmark = pytest.mark.xdist_group("clients")

_EXAMPLES: Final = Path(__file__).parents[2] / "examples"


def _load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.replace("/", "_"), _EXAMPLES / f"{path}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", ["fastapi/proxy", "starlette/proxy"])
def test_a_proxy_streams_and_is_recorded(path: str, key: str, events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(FakeUpstream()) as upstream:
        monkeypatch.setenv("UPSTREAM", upstream)
        with serving(_load(path).app) as proxy:
            assert chat(proxy, key) == ANSWER
            assert stream(proxy, key) == ANSWER

    assert [(event.request_model, event.input_tokens, event.output_tokens) for event in events()] == [
        ("gpt-4o", 4, 9),
        ("gpt-4o", 4, 9),
    ]


def test_the_plain_application_answers_and_the_report_tells_of_it(environ: dict[str, str], key: str) -> None:
    with serving(_load("plain_asgi/parrot").app) as proxy:
        assert chat(proxy, key) == SAID

    command = [sys.executable, str(_EXAMPLES / "report.py"), environ["PROXYSTORE_DATABASE_URL"]]
    report = born.run(command, capture_output=True, text=True, check=False)
    assert report.returncode == 0, report.stderr
    assert "gpt-4o: 1 requests, 4 tokens in, 4 out" in report.stdout
