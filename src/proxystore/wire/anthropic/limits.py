"""How Anthropic tells what is left of a limit, in headers on every answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from proxystore.values import Headers, Quota


def limit_headers(quotas: Sequence[Quota], now: datetime) -> Headers:
    """Return ``anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}``; a reset is a time, to the second."""
    headers: list[tuple[bytes, bytes]] = []
    for quota in quotas:
        name = b"anthropic-ratelimit-" + quota.unit.encode()
        headers += (
            (name + b"-limit", b"%d" % quota.amount),
            (name + b"-remaining", b"%d" % quota.remaining),
            (name + b"-reset", _time(now, quota.resets_in)),
        )
    return tuple(headers)


def _time(now: datetime, seconds: float) -> bytes:
    at = now + timedelta(seconds=max(0, seconds))
    whole = at if not at.microsecond else at.replace(microsecond=0) + timedelta(seconds=1)
    return whole.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
