"""What is known of one step of the schema's history."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a history, applied or still to come.

    Attributes:
        history: The package the step comes from, such as ``proxystore_migrations``.
        id: The step's name within its history.
        message: What it does, in a line.
        applied_at: When this database took it; ``None`` if it has not yet.
        is_known: Whether this release has it; a newer one wrote it otherwise.
    """

    history: str
    id: str
    message: str
    applied_at: datetime | None = None
    is_known: bool = True
