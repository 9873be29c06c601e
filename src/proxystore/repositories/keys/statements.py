"""Reading and changing keys, as statements."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, insert, or_, select, update

from proxystore.changes.changes import COUNTER
from proxystore.database import Query, Statement
from proxystore.ids import shown
from proxystore.records import FoundKey, KeyRecord, ProjectRecord
from proxystore.schema.api_keys import api_keys
from proxystore.schema.changes import generations
from proxystore.schema.projects import projects

HIDDEN: Final = ("digest", "pepper_version", "previous_digest")
_SHOWN: Final = [column for column in api_keys.c if column.name not in HIDDEN]
_ID: Final = api_keys.c.id


def key_record(*, id: UUID, project_id: UUID | None, models: list[str] | None, **rest: Any) -> KeyRecord:  # noqa: A002
    """Return a row as the record."""
    return KeyRecord(
        id=shown("key", id),
        project_id=None if project_id is None else shown("proj", project_id),
        models=None if models is None else frozenset(models),
        **rest,
    )


def _found(*, generation: int, is_current: bool, **columns: Any) -> FoundKey:
    own = {name.removeprefix("project."): columns.pop(name) for name in _PROJECT_LABELS}
    record = key_record(**columns)
    identity = own.pop("id")
    return FoundKey(
        record=record,
        project=None if identity is None else ProjectRecord(id=shown("proj", identity), **own),
        generation=generation,
        secret_until=None if is_current else record.previous_until,
    )


_PROJECT_LABELS: Final = tuple(f"project.{column.name}" for column in projects.c)


@cache
def find_query(count: int) -> Query[FoundKey]:
    """Return the statement that finds the key with one of ``digest_0`` and so on, its project and the generation.

    All of it as of one instant: what was read before a change can be told from what was read after.
    """
    digests = [bindparam(f"digest_{number}", type_=api_keys.c.digest.type) for number in range(count)]
    is_current = or_(*(api_keys.c.digest == digest for digest in digests))
    is_previous = or_(*(api_keys.c.previous_digest == digest for digest in digests))
    return Query(
        select(
            *_SHOWN,
            *(column.label(f"project.{column.name}") for column in projects.c),
            is_current.label("is_current"),
            select(generations.c.value).where(generations.c.name == COUNTER).scalar_subquery().label("generation"),
        )
        .select_from(api_keys.outerjoin(projects, projects.c.id == api_keys.c.project_id))
        .where(or_(is_current, is_previous)),
        _found,
    )


GET: Final = Query(select(*_SHOWN).where(bindparam("key_id", type_=_ID.type) == _ID), key_record)

_FILTERS: Final[Mapping[str, ColumnElement[bool]]] = {
    "active": api_keys.c.is_active == bindparam("active"),
    "before": bindparam("before", type_=_ID.type) > _ID,
    "expired_at": api_keys.c.expires_at <= bindparam("expired_at"),
    "kept": api_keys.c.deleted_at.is_(None),
    "name": api_keys.c.name == bindparam("name"),
    "origin": api_keys.c.origin == bindparam("origin"),
    "project_id": api_keys.c.project_id == bindparam("project_id"),
}
_FLAGS: Final = frozenset({"kept"})


@cache
def list_query(filters: frozenset[str]) -> Query[KeyRecord]:
    """Return the statement that lists keys through *filters*, newest first; it takes ``limit`` beside them."""
    chosen: Select[Any] = select(*_SHOWN).where(*(_FILTERS[name] for name in sorted(filters)))
    return Query(chosen.order_by(_ID.desc()).limit(bindparam("limit")), key_record)


def parameters(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of *filters* that take a value."""
    return {name: value for name, value in filters.items() if name not in _FLAGS}


INSERT: Final = Statement(
    insert(api_keys).values(
        **{
            column.name: bindparam(column.name)
            for column in api_keys.c
            if column.name
            not in ("is_active", "deactivated_at", "revoked_at", "deleted_at", "previous_digest", "previous_until")
        }
    )
)


@cache
def update_query(names: frozenset[str]) -> Query[KeyRecord]:
    """Return the statement that sets the columns of *names* in one key that is not deleted."""
    statement = update(api_keys).where(bindparam("key_id", type_=_ID.type) == _ID, api_keys.c.deleted_at.is_(None))
    values = {name: bindparam(f"new_{name}", type_=api_keys.c[name].type) for name in sorted({*names, "updated_at"})}
    return Query(statement.values(**values).returning(*_SHOWN), key_record)


_now: Final = bindparam("now", type_=api_keys.c.updated_at.type)
_REVOKED: Final[dict[str, Any]] = {
    "is_active": False,
    "deactivated_at": func.coalesce(api_keys.c.deactivated_at, _now),
    "revoked_at": _now,
    "updated_at": _now,
    "previous_digest": None,
    "previous_until": None,
}
_TO_REVOKE: Final[Mapping[str, ColumnElement[bool]]] = {
    "keys": _ID.in_(bindparam("key_ids", expanding=True, type_=_ID.type)),
    "project": api_keys.c.project_id == bindparam("project_id", type_=api_keys.c.project_id.type),
    "expired": and_(api_keys.c.expires_at <= _now, api_keys.c.deleted_at.is_(None)),
}


@cache
def revoke_query(chosen: str) -> Query[UUID]:
    """Return the statement that revokes ``keys``, those of a ``project`` or those ``expired``, if not revoked yet."""
    statement = update(api_keys).where(_TO_REVOKE[chosen], api_keys.c.revoked_at.is_(None)).values(**_REVOKED)
    return Query(statement.returning(_ID), lambda id: id)  # noqa: A006


_ROTATED: Final[dict[str, Any]] = {
    "digest": bindparam("new_digest"),
    "prefix": bindparam("new_prefix"),
    "pepper_version": bindparam("new_pepper_version"),
    "origin": "made",
    "updated_at": _now,
}
_LIVE: Final = and_(
    bindparam("key_id", type_=_ID.type) == _ID, api_keys.c.deleted_at.is_(None), api_keys.c.revoked_at.is_(None)
)
ROTATE: Final = Query(
    update(api_keys)
    .where(_LIVE)
    .values(
        **_ROTATED,
        previous_digest=api_keys.c.digest,
        previous_until=bindparam("until", type_=api_keys.c.expires_at.type),
    )
    .returning(*_SHOWN),
    key_record,
)
"""Give a key another secret; the one it had is good ``until`` then."""
REPLACE: Final = Query(
    update(api_keys).where(_LIVE).values(**_ROTATED, previous_digest=None, previous_until=None).returning(*_SHOWN),
    key_record,
)
"""Give a key another secret; the one it had, and the one before, are good for nothing."""
DELETE: Final = Query(
    update(api_keys)
    .where(bindparam("key_id", type_=_ID.type) == _ID, api_keys.c.deleted_at.is_(None))
    .values(**(_REVOKED | {"revoked_at": func.coalesce(api_keys.c.revoked_at, _now)}), deleted_at=_now)
    .returning(_ID),
    lambda id: id,  # noqa: A006
)

PROJECTS: Final = Query(
    select(projects.c.id, projects.c.name, projects.c.is_active).where(
        projects.c.deleted_at.is_(None),
        or_(
            projects.c.id.in_(bindparam("ids", expanding=True, type_=projects.c.id.type)),
            projects.c.name.in_(bindparam("names", expanding=True, type_=projects.c.name.type)),
        ),
    ),
    lambda id, name, is_active: (id, name, is_active),  # noqa: A006
)
"""Projects by id or by name."""
