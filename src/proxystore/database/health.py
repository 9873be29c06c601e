"""How the database is."""

from __future__ import annotations

import msgspec

from proxystore.database.compiling import DialectName


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What one round trip to the database told.

    Attributes:
        is_reachable: Whether it answered in time.
        latency_ms: How long that took, or how long until it was given up.
        dialect: ``sqlite`` or ``postgresql``.
        server_version: Its version, if it answered.
        error: Why it could not be reached.
    """

    is_reachable: bool
    latency_ms: float
    dialect: DialectName
    server_version: str | None = None
    error: str | None = None
