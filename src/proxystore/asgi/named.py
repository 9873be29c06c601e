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
        self._problem: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve (ASGI)."""
        if self._app is None and self._problem is None:
            self._load()
        if self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.failed", "message": self._problem})
        else:
            from proxystore.asgi.refusing import refuse

            logger.error("there is nothing to serve: %s", self._problem)
            await refuse(scope, receive, send)

    def _load(self) -> None:
        from proxystore.errors import ProxyStoreError

        try:
            from proxystore.asgi.serving import create_app  # and all that we depend on, which may be broken

            self._app = create_app()
        except ProxyStoreError as error:
            self._problem = str(error)
        except Exception as error:
            logger.exception("the application could not be loaded")
            self._problem = str(error)
