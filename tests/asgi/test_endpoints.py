from __future__ import annotations

import json

import pytest

from proxystore.testing.asgi import call, http_scope
from proxystore.testing.upstream import FakeUpstream


@pytest.mark.parametrize(
    ("name", "told"), [("live", {"status": "live"}), ("ready", {"database": "reachable", "status": "ready"})]
)
async def test_our_own_paths_answer_and_are_not_recorded(wrap, witness, name, told):
    upstream = FakeUpstream()
    async with wrap(upstream) as wrapped:
        sent = await call(wrapped, http_scope(f"/_proxystore/{name}", method="GET", root_path="/mounted"))

    assert (sent.status, json.loads(sent.body)) == (200, told)
    assert (witness.recorded, upstream.seen) == ([], [])


async def test_head_is_answered_without_a_body(wrap):
    async with wrap(FakeUpstream()) as wrapped:
        sent = await call(wrapped, http_scope("/_proxystore/live", method="HEAD"))

    assert (sent.status, sent.body) == (200, b"")


@pytest.mark.parametrize(("name", "method", "status"), [("nothing", "GET", 404), ("live", "POST", 405)])
async def test_anything_else_there_is_refused(wrap, name, method, status):
    async with wrap(FakeUpstream()) as wrapped:
        sent = await call(wrapped, http_scope(f"/_proxystore/{name}", method=method))

    assert sent.status == status
