"""One request and its response, as plugins see them."""

from __future__ import annotations

from proxystore.exchange.exchange import Exchange
from proxystore.exchange.request import ClientGone, Request
from proxystore.exchange.response import Response

__all__ = ["ClientGone", "Exchange", "Request", "Response"]
