"""A gateway whose callers say themselves what they are held to: ``x-limits`` is a list of limits."""

from __future__ import annotations

import msgspec

from proxystore import Exchange, Limit, Principal, ProxyStoreMiddleware, hookimpl
from tests.servers import gateway


class Honest:
    """Believes whatever callers say of themselves."""

    name = "honest"

    def __init__(self) -> None:
        self._known: dict[bytes, Principal] = {}

    @hookimpl
    def on_auth(self, exchange: Exchange) -> Principal | None:
        said = exchange.request.header(b"x-limits")
        if said is None:
            return None
        if said not in self._known:
            limits = msgspec.json.decode(said, type=tuple[Limit, ...])
            self._known[said] = Principal(key_id=limits[0].owner, limits=limits)
        return self._known[said]


app = ProxyStoreMiddleware(gateway.app, plugins=(Honest(),))
