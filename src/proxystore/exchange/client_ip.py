"""Where a request comes from, believing only proxies that are configured."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from proxystore.exchange.asgi import Scope

Networks: TypeAlias = Sequence[IPv4Network | IPv6Network]


def client_ip(scope: Scope, forwarded_for: bytes | None, trusted: Networks) -> str | None:
    """Return the peer's address, or, behind *trusted* proxies, the nearest forwarded one that is not theirs."""
    client = scope.get("client")
    address: str | None = client[0] if client else None
    if address is None or forwarded_for is None or not _is_in(address, trusted):
        return address
    for hop in reversed(forwarded_for.decode("latin-1").split(",")):
        candidate = hop.strip()
        if not _is_address(candidate):
            break
        address = candidate
        if not _is_in(candidate, trusted):
            break
    return address


def is_trusted(scope: Scope, trusted: Networks) -> bool:
    """Tell whether the peer is one of the *trusted* proxies, whose word on where a request came from is believed."""
    client = scope.get("client")
    return client is not None and _is_in(client[0], trusted)


def _is_in(address: str, networks: Networks) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
