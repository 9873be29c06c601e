"""``vllm serve --middleware proxystore.ProxyStoreMiddleware``."""

from __future__ import annotations

import pytest

from proxystore.testing.serving import serving
from proxystore.testing.upstream import ANSWER
from tests import clients
from tests.examples.conftest import Events, chat, stream
from tests.examples.vllm import build_app

pytestmark = pytest.mark.xdist_group("clients")

_OURS = "proxystore.ProxyStoreMiddleware"
_THEIRS = "tests.examples.vllm.note"


@pytest.mark.parametrize("names", [[_OURS], [_OURS, _THEIRS], [_THEIRS, _OURS]], ids=["alone", "inside", "outside"])
def test_what_is_added_by_name_records_and_knows_the_key_of_the_server(
    names: list[str], key: str, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXYSTORE_APP_AUTHORIZATION", "Bearer token-abc")
    with serving(build_app(names, key="token-abc")) as url:
        assert chat(url, key) == ANSWER
        assert stream(url, key) == ANSWER
        with pytest.raises(clients.openai.AuthenticationError):
            chat(url, key="token-abc")  # is for us to know alone

    assert [(event.status, event.outcome, event.output_tokens) for event in events()] == [
        (200, "complete", 9),
        (200, "complete", 9),
    ]
