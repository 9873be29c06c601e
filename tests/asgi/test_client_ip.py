"""Where a request came from, through proxies that each say so in their own way."""

from __future__ import annotations

import pytest

from proxystore import ProxyStoreMiddleware
from proxystore.testing.upstream import FakeUpstream
from tests.forwarding.world import ask, served


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((b"192.0.2.1",), "192.0.2.1"),
        ((b"192.0.2.1", b"10.0.0.2"), "192.0.2.1"),
        ((b"192.0.2.9, 192.0.2.1", b"10.0.0.2, 10.0.0.3", b"10.0.0.4"), "192.0.2.1"),
        ((b"192.0.2.1", b"192.0.2.2"), "192.0.2.2"),
        ((b"192.0.2.1", b"nonsense", b"10.0.0.2"), "10.0.0.2"),
    ],
)
async def test_forwarded_addresses_may_stand_on_several_lines(settings, witness, lines, expected):
    trusted = settings.load(environ={}, trusted_proxies="127.0.0.0/8,10.0.0.0/8").trusted_proxies
    wrapped = ProxyStoreMiddleware(
        FakeUpstream(), settings=settings.model_copy(update={"trusted_proxies": trusted}), plugins=[witness]
    )
    async with served(wrapped) as url:
        await ask(url, b"/v1/models", fields=b"".join(b"x-forwarded-for: %b\r\n" % line for line in lines))

    assert witness.exchange.request.client_ip == expected
