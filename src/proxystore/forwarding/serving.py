"""The reverse proxy as an application that other modules name."""

from __future__ import annotations

from proxystore.errors import SettingsError
from proxystore.forwarding.proxy import ReverseProxy
from proxystore.settings import Settings


def create_app() -> ReverseProxy:
    """Return a reverse proxy to the place that ``PROXYSTORE_FORWARD_URL`` names.

    ``proxystore forward`` wraps this, and so does any server that is given ``proxystore.asgi:app`` with
    ``PROXYSTORE_APP=proxystore.forwarding:create_app`` and ``PROXYSTORE_APP_FACTORY=true``.

    Raises:
        SettingsError: It is not set.
    """
    settings = Settings.load()
    if settings.forward.url is None:
        raise SettingsError("PROXYSTORE_FORWARD_URL must say where to forward to, such as http://127.0.0.1:11434")
    return ReverseProxy(settings.forward, trusted_proxies=settings.trusted_proxies)
