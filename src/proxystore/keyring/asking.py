"""What the keyring asks of the database."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import LargeBinary, bindparam, exists, or_, select

from proxystore.database import Database, Query
from proxystore.keyring.known import KnownKey
from proxystore.schema import api_keys, generations, projects

_COLUMNS: Final = (
    "id",
    "project_id",
    "name",
    "digest",
    "previous_until",
    "origin",
    "models",
    "requests_per_minute",
    "tokens_per_minute",
    "max_requests",
    "daily_budget_nanousd",
    "monthly_budget_nanousd",
    "is_active",
    "expires_at",
    "deleted_at",
    "settings",
)


class Facts(msgspec.Struct, frozen=True):
    """What is true of all keys together.

    Attributes:
        has_keys: Whether there is one.
        has_foreign: Whether there is one whose secret we did not make, so that any credential may be a key.
    """

    has_keys: bool
    has_foreign: bool


_IS_KEPT: Final = api_keys.c.deleted_at.is_(None)
_IS_FOREIGN: Final = or_(
    api_keys.c.origin != "made",
    api_keys.c.previous_until > bindparam("now", type_=api_keys.c.previous_until.type),  # that secret may be foreign
)
_FACTS: Final = Query(
    select(
        exists(select(api_keys.c.id).where(_IS_KEPT)).label("has_keys"),
        exists(select(api_keys.c.id).where(_IS_KEPT, _IS_FOREIGN)).label("has_foreign"),
    ),
    Facts,
)


async def facts(database: Database) -> Facts:
    """Return what is true of all keys."""
    found = await database.fetch_one(_FACTS, now=datetime.now(UTC))
    return found if found is not None else Facts(has_keys=False, has_foreign=False)


async def find(database: Database, digests: Sequence[bytes], *, is_ours: bool) -> tuple[int, KnownKey | None]:
    """Return the key with one of *digests*, and the generation that this is true of.

    One statement is one snapshot: whatever changed up to that generation is in it, nothing that changed later is.
    """
    values = {f"digest_{number}": digest for number, digest in enumerate(digests)}
    row = await database.fetch_one(_query(len(digests)), **values)
    if row is None or row["id"] is None:
        return (row["generation"] if row is not None else 0), None
    return row["generation"], KnownKey.read(row, is_current=row["digest"] in digests, is_ours=is_ours)


@functools.cache
def _query(count: int) -> Query[dict[str, Any]]:
    """Return the question for a key with one of *count* digests: one for each pepper there is."""
    given = [bindparam(f"digest_{number}", type_=LargeBinary) for number in range(count)]
    columns = (api_keys.c.digest, api_keys.c.previous_digest)
    matches = or_(*(column == digest for column in columns for digest in given))
    return Query(
        select(
            generations.c.value.label("generation"),
            *(api_keys.c[name] for name in _COLUMNS),
            projects.c.is_active.label("project_is_active"),
            projects.c.settings.label("project_settings"),
        )
        .select_from(
            generations.outerjoin(api_keys, matches).outerjoin(projects, projects.c.id == api_keys.c.project_id)
        )
        .where(generations.c.name == "all"),
        dict,
    )
