"""An application on a real socket, and nothing else changed."""

from __future__ import annotations

import asyncio

import httpx

from proxystore.testing.serving import serving
from proxystore.testing.upstream import FakeUpstream


def test_what_is_served_leaves_other_event_loops_as_they_were() -> None:
    with serving(FakeUpstream()) as base:
        assert httpx.get(f"{base}/v1/models").status_code < 500
        served = _kind()

    assert served is _kind() is _KIND


def _kind() -> type[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    loop.close()
    return type(loop)


_KIND = _kind()
