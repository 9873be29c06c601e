"""An application that answers from a file, as a server does it best, and a plugin that rewrites what it answers."""

from __future__ import annotations

from starlette.responses import FileResponse

from proxystore import Exchange, ProxyStoreMiddleware, hookimpl


class Louder:
    """Puts answers into capitals where it is asked to."""

    @hookimpl
    def on_request(self, exchange: Exchange) -> None:
        if exchange.request.header(b"x-louder") is not None:
            exchange.response.edit(bytes.upper, 1024 * 1024)


app = ProxyStoreMiddleware(FileResponse(__file__), plugins=[Louder])
