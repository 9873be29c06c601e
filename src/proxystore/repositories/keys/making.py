"""Making keys, many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from proxystore.changes import Changes
from proxystore.credentials import Digester, masked
from proxystore.database import Database
from proxystore.errors import InvalidRecord
from proxystore.ids import shown, uuid7
from proxystore.records import KeyRecord
from proxystore.repositories.keys import belonging, statements
from proxystore.repositories.keys.options import columns
from proxystore.secrecy import PEPPER, refuse_replaced

_NOTHING: Final[Mapping[str, Any]] = {
    "project_id": None,
    "models": None,
    "requests_per_minute": None,
    "tokens_per_minute": None,
    "max_requests": None,
    "daily_budget_nanousd": None,
    "monthly_budget_nanousd": None,
    "expires_at": None,
    "settings": {},
}
_PAGE: Final = 1_000
_LATER: Final[Mapping[str, Any]] = {
    "is_active": True,
    "deactivated_at": None,
    "revoked_at": None,
    "deleted_at": None,
    "previous_until": None,
}


class Draft(NamedTuple):
    """A key yet to be made: what is said of it, and what is kept of its secret."""

    options: Mapping[str, Any]
    digest: bytes
    prefix: str

    @property
    def project(self) -> str | None:
        """The project it shall belong to, by its id or its name."""
        return self.options.get("project")

    @property
    def columns(self) -> dict[str, Any]:
        """What nobody says."""
        if "name" not in self.options:
            raise InvalidRecord("A key needs a name.")
        return {"digest": self.digest, "prefix": self.prefix}


class Batch(NamedTuple):
    """Keys that are made together, or not at all.

    Attributes:
        action: What that is called.
        origin: Whose secrets they have.
        drafts: The keys.
        actor: Who does it.
    """

    action: str
    origin: str
    drafts: Sequence[Draft]
    actor: str | None


def drafts(digester: Digester, wanted: Iterable[Mapping[str, Any]], secrets: Iterable[str]) -> list[Draft]:
    """Return keys yet to be made of options and secrets."""
    return [
        Draft(options, digester.digest(secret.encode()), masked(secret))
        for options, secret in zip(wanted, secrets, strict=True)
    ]


async def make(database: Database, changes: Changes, version: int, batch: Batch) -> list[KeyRecord]:
    """Insert the keys of *batch*, whose digests are under the pepper of that *version*."""
    rows = await _rows(database, version, batch)
    async with changes.begin("api_key", action=batch.action, actor=batch.actor) as change:
        await refuse_replaced(change.transaction, PEPPER, version)
        for page in range(0, len(rows), _PAGE):  # each has a deadline
            await change.execute_many(statements.INSERT, rows[page : page + _PAGE])
        for row in rows:
            change.touched(shown("key", row["id"]), name=row["name"], prefix=row["prefix"])
    return [_record(row) for row in rows]


async def _rows(database: Database, version: int, batch: Batch) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    said = [columns(draft.options) | draft.columns for draft in batch.drafts]
    ids = sorted(uuid7() for _ in said)  # made within a millisecond, they have no order of their own
    common: dict[str, Any] = {
        **_NOTHING,
        "origin": batch.origin,
        "pepper_version": version,
        "created_at": now,
        "updated_at": now,
    }
    rows = [{**common, **each, "id": identity} for identity, each in zip(ids, said, strict=True)]
    projects = await belonging.known(database, [draft.project for draft in batch.drafts if draft.project])
    for draft, row in zip(batch.drafts, rows, strict=True):
        if draft.project:
            row["project_id"] = belonging.active(projects, draft.project)
    return rows


def _record(row: Mapping[str, Any]) -> KeyRecord:
    told: dict[str, Any] = {name: value for name, value in row.items() if name not in statements.HIDDEN}
    return statements.key_record(**told, **_LATER)
