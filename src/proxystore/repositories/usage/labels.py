"""What keys and projects are called, and which tags keys have: looked up when a report is made, not when it is counted.

So a key that is renamed is renamed in all its past, and a tag that it gets today is the tag of what it did before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, select

from proxystore.database import Database, Query
from proxystore.errors import InvalidRecord
from proxystore.ids import Kind, parsed, shown
from proxystore.records import LatencySummary, UsageSummary
from proxystore.schema.api_keys import api_keys, key_metadata
from proxystore.schema.projects import projects

S = TypeVar("S", UsageSummary, LatencySummary)

_BATCH: Final = 500
_TAG: Final = "tag"
_KEYS: Final = Query(
    select(api_keys.c.id, api_keys.c.name).where(
        api_keys.c.id.in_(bindparam("ids", expanding=True, type_=api_keys.c.id.type))
    ),
    lambda id, name: (shown("key", id), name),  # noqa: A006
)
_PROJECTS: Final = Query(
    select(projects.c.id, projects.c.name).where(
        projects.c.id.in_(bindparam("ids", expanding=True, type_=projects.c.id.type))
    ),
    lambda id, name: (shown("proj", id), name),  # noqa: A006
)
_TAGS: Final = Query(
    select(key_metadata.c.key_id, key_metadata.c.key, key_metadata.c.value)
    .where(
        key_metadata.c.key_id.in_(bindparam("ids", expanding=True, type_=key_metadata.c.key_id.type)),
        key_metadata.c.type == _TAG,
    )
    .order_by(key_metadata.c.key_id, key_metadata.c.key),
    lambda key_id, key, value: (shown("key", key_id), f"{key}={value}"),
)
_NAMES: Final[Mapping[str, tuple[Kind, Query[tuple[str, str]]]]] = {
    "key": ("key", _KEYS),
    "project": ("proj", _PROJECTS),
}


async def named(database: Database, by: str, summaries: Sequence[S]) -> list[S]:
    """Return *summaries* by key or by project with what those are called, others as they are."""
    if by not in _NAMES:
        return list(summaries)
    found = await names(database, by, (summary.group for summary in summaries))
    return [msgspec.structs.replace(summary, name=found.get(summary.group or "")) for summary in summaries]


async def names(database: Database, of: str, labels: Iterable[str | None]) -> dict[str, str]:
    """Return what those *of* a kind, ``key`` or ``project``, are called, by their ids."""
    kind, query = _NAMES[of]
    return dict(await _looked_up(database, query, kind, set(labels)))


async def tags(database: Database, keys: Iterable[str | None]) -> dict[str | None, list[str | None]]:
    """Return the tags of *keys*, each as ``name=value``: ``None`` alone where a key has none."""
    wanted = set(keys)
    found: dict[str | None, list[str | None]] = {}
    for key, tag in await _looked_up(database, _TAGS, "key", wanted):
        found.setdefault(key, []).append(tag)
    return {key: found.get(key, [None]) for key in wanted}


async def _looked_up(
    database: Database, query: Query[tuple[str, str]], kind: Kind, labels: Iterable[str | None]
) -> list[tuple[str, str]]:
    ids = [identity for identity in (_id(kind, label) for label in labels) if identity is not None]
    pages = (ids[first : first + _BATCH] for first in range(0, len(ids), _BATCH))
    return [row for page in pages for row in await database.fetch_all(query, ids=page)]


def _id(kind: Kind, label: str | None) -> UUID | None:
    try:
        return parsed(kind, label or "")
    except InvalidRecord:  # of a plugin that knows callers of its own
        return None
