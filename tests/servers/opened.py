"""An application that answers a request while it is imported: under ``--preload`` in the process that forks."""

from __future__ import annotations

import asyncio

from proxystore import ProxyStoreMiddleware
from proxystore.testing.asgi import call, http_scope
from tests.servers import gateway

app = ProxyStoreMiddleware(gateway.app)

assert asyncio.run(call(app, http_scope("/v1/models", method="GET"))).status == 200
assert app.store.is_open
