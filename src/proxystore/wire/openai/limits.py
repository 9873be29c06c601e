"""How OpenAI tells what is left of a limit, in headers on every answer; most compatible servers do it alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proxystore.values import Headers, Quota

_UNITS: Final = (("h", 3600), ("m", 60))


def limit_headers(quotas: Sequence[Quota]) -> Headers:
    """Return ``x-ratelimit-{limit,remaining,reset}-{requests,tokens}``; a reset is a duration, such as ``6m0s``."""
    headers: list[tuple[bytes, bytes]] = []
    for quota in quotas:
        kind = quota.unit.encode()
        headers += (
            (b"x-ratelimit-limit-" + kind, b"%d" % quota.amount),
            (b"x-ratelimit-remaining-" + kind, b"%d" % quota.remaining),
            (b"x-ratelimit-reset-" + kind, _duration(quota.resets_in)),
        )
    return tuple(headers)


def _duration(seconds: float) -> bytes:
    """Return *seconds* as Go does: ``8.64s``, ``250ms``, ``6m0s``, ``1h0m0s``."""
    milliseconds = max(0, -(-seconds * 1000 // 1))
    if milliseconds < 1000:
        return b"%dms" % milliseconds
    whole, parts = int(milliseconds // 1000), list[str]()
    for name, size in _UNITS:
        count, whole = divmod(whole, size)
        if count or parts:
            parts.append(f"{count}{name}")
    rest = f"{whole + milliseconds % 1000 / 1000:.3f}".rstrip("0").rstrip(".")
    return "".join((*parts, f"{rest}s")).encode()
