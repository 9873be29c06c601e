"""Forwarding to what is not ASGI: a streaming reverse proxy, and the one door to aiohttp."""

from __future__ import annotations

from proxystore.forwarding.proxy import ReverseProxy
from proxystore.forwarding.serving import create_app

__all__ = ["ReverseProxy", "create_app"]
