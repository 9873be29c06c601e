"""The application that ``PROXYSTORE_APP`` names, loaded in the process that serves it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxystore.exchange.asgi import ASGIApp, Receive, Scope, Send

logger = logging.getLogger(__name__)


class NamedApp:
    """Stands in for the wrapped application until a server calls it, and passes everything on from then on.

    What cannot be loaded is told as ``lifespan.startup.failed``: an exception while a server imports its application
    is a traceback, and a worker that is started again and again. An object and no module's ``__getattr__``, since
    hypercorn looks into the module's dictionary.
    """

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve (ASGI)."""
        app = self._app or await self._loaded(scope, receive, send)
        if app is not None:
            await app(scope, receive, send)

    async def _loaded(self, scope: Scope, receive: Receive, send: Send) -> ASGIApp | None:
        from proxystore.asgi.refusing import refuse
        from proxystore.asgi.serving import create_app
        from proxystore.errors import ProxyStoreError

        try:
            self._app = create_app()
        except ProxyStoreError as error:
            if scope["type"] == "lifespan":
                await receive()
                await send({"type": "lifespan.startup.failed", "message": str(error)})
            else:
                logger.error("there is nothing to serve: %s", error)  # noqa: TRY400  the sentence says it
                await refuse(scope, receive, send)
        return self._app
