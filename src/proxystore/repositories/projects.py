"""Projects: what keys belong to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, insert, select, update

from proxystore.changes import Change, Changes
from proxystore.database import Database, Query
from proxystore.errors import Conflict, InvalidRecord, ProjectNotFound
from proxystore.ids import parsed, shown, uuid7
from proxystore.records import ProjectRecord
from proxystore.records.options import name_of, settings_of
from proxystore.schema.api_keys import api_keys
from proxystore.schema.projects import projects

_ID: Final = projects.c.id


class ProjectOptions(TypedDict, total=False):
    """What may be said of a project; in an update, what is not said stays."""

    name: str
    settings: Mapping[str, Any] | None


def _project(*, id: UUID, **rest: Any) -> ProjectRecord:  # noqa: A002
    return ProjectRecord(id=shown("proj", id), **rest)


_INSERT: Final = Query(
    insert(projects)
    .values({name: bindparam(name) for name in ("id", "name", "settings", "created_at", "updated_at")})
    .returning(*projects.c),
    _project,
)
_GET: Final = Query(select(projects).where(bindparam("project_id", type_=_ID.type) == _ID), _project)
_NAMED: Final = Query(
    select(projects).where(projects.c.name == bindparam("name"), projects.c.deleted_at.is_(None)), _project
)
_FILTERS: Final[Mapping[str, ColumnElement[bool]]] = {
    "active": projects.c.is_active == bindparam("active"),
    "before": bindparam("before", type_=_ID.type) > _ID,
    "kept": projects.c.deleted_at.is_(None),
}
_now: Final = bindparam("now", type_=projects.c.updated_at.type)
_REVOKE: Final = Query(
    update(api_keys)
    .where(
        api_keys.c.project_id == bindparam("project_id", type_=api_keys.c.project_id.type),
        api_keys.c.revoked_at.is_(None),
    )
    .values(
        is_active=False,
        deactivated_at=func.coalesce(api_keys.c.deactivated_at, _now),
        revoked_at=_now,
        updated_at=_now,
        previous_digest=None,
        previous_until=None,
    )
    .returning(api_keys.c.id),
    lambda id: id,  # noqa: A006
)


@cache
def _list_query(filters: frozenset[str]) -> Query[ProjectRecord]:
    chosen: Select[Any] = select(projects).where(*(_FILTERS[name] for name in sorted(filters)))
    return Query(chosen.order_by(_ID.desc()).limit(bindparam("limit")), _project)


@cache
def _update_query(names: frozenset[str]) -> Query[ProjectRecord]:
    statement = update(projects).where(and_(bindparam("project_id", type_=_ID.type) == _ID, _FILTERS["kept"]))
    values = {name: bindparam(f"new_{name}", type_=projects.c[name].type) for name in sorted({*names, "updated_at"})}
    return Query(statement.values(values).returning(*projects.c), _project)


class ProjectRepository:
    """Every project there ever was; each call asks the database.

    A project goes by its id, such as ``proj_0198…``, or by its name. Whoever changes something may say who it is, as
    *actor*.
    """

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    async def create(self, *, actor: str | None = None, **options: Unpack[ProjectOptions]) -> ProjectRecord:
        """Make a project; see `ProjectOptions`. A ``name`` is needed.

        Raises:
            Conflict: There is one of this name.
            InvalidRecord: The name is empty, too long, or looks like an id; a setting is unknown or wrong.
        """
        values = _columns({"settings": None, **options})
        if "name" not in values:
            raise InvalidRecord("A project needs a name.")
        now = datetime.now(UTC)
        async with self._changes.begin("project", action="project.create", actor=actor) as change:
            await _refuse_taken(change, values["name"])
            made = await change.fetch_one(_INSERT, id=uuid7(), created_at=now, updated_at=now, **values)
            if made is None:
                raise ProjectNotFound  # pragma: no cover - an INSERT returns what it inserted
            change.touched(made.id, name=made.name)
        return made

    async def get(self, project: str) -> ProjectRecord:
        """Return a project by its id, deleted or not, or by its name.

        Raises:
            ProjectNotFound: There is none.
        """
        found = await self._find(self._database, project)
        if found is None:
            raise ProjectNotFound(f"No project is called {project!r}.")
        return found

    async def list(
        self, *, limit: int, before: str | None = None, active: bool | None = None, deleted: bool = False
    ) -> list[ProjectRecord]:
        """Return projects, newest first.

        Args:
            limit: How many at most.
            before: Only those older than this: the id of the last one of the page before.
            active: Only those that are active, or only those that are not.
            deleted: Those that are deleted, too.
        """
        filters: dict[str, Any] = {} if active is None else {"active": active}
        if before is not None:
            filters["before"] = parsed("proj", before)
        names = frozenset(filters) if deleted else frozenset({*filters, "kept"})
        return await self._database.fetch_all(_list_query(names), limit=limit, **filters)

    async def update(
        self, project: str, *, actor: str | None = None, **options: Unpack[ProjectOptions]
    ) -> ProjectRecord:
        """Change what is given, and leave the rest.

        Raises:
            ProjectNotFound: There is none, or it is deleted.
            Conflict: There is another of this name.
            InvalidRecord: Nothing is given, or as :meth:`create`.
        """
        if not options:
            raise InvalidRecord("There is nothing to update.")
        values = _columns(options)
        async with self._changes.begin("project", action="project.update", actor=actor) as change:
            found = await self._kept(change, project)
            if "name" in values and values["name"] != found.name:
                await _refuse_taken(change, values["name"])
            return await _set(change, found, values, fields=sorted(options))

    async def deactivate(self, project: str, *, revoke_keys: bool = False, actor: str | None = None) -> ProjectRecord:
        """Refuse every key of a project until it is reactivated; harmless when done twice.

        Args:
            project: Which, by its id or its name.
            revoke_keys: Refuse them for ever: no reactivation revives them.
            actor: Who does it.
        """
        async with self._changes.begin("project", action="project.deactivate", actor=actor) as change:
            found = await self._kept(change, project)
            if revoke_keys:
                await _revoke(change, found)
            if not found.is_active:
                change.noted(found.id, reason="inactive already")
                return found
            return await _set(change, found, {"is_active": False, "deactivated_at": datetime.now(UTC)})

    async def reactivate(self, project: str, *, actor: str | None = None) -> ProjectRecord:
        """Let the keys of a project be used again, but for those that were revoked; harmless when done twice."""
        async with self._changes.begin("project", action="project.reactivate", actor=actor) as change:
            found = await self._kept(change, project)
            if found.is_active:
                change.noted(found.id, reason="active already")
                return found
            return await _set(change, found, {"is_active": True, "deactivated_at": None})

    async def delete(self, project: str, *, actor: str | None = None) -> None:
        """Deactivate a project, revoke its keys, and hide it: its history stays. Harmless when done twice.

        Raises:
            ProjectNotFound: There is none, and never was.
        """
        async with self._changes.begin("project", action="project.delete", actor=actor) as change:
            found = await self._find(change, project)
            if found is None:
                raise ProjectNotFound
            if found.deleted_at is not None:
                change.noted(found.id, reason="deleted already")
                return
            await _revoke(change, found)
            now = datetime.now(UTC)
            gone = {"is_active": False, "deactivated_at": found.deactivated_at or now, "deleted_at": now}
            await _set(change, found, gone)

    async def _kept(self, change: Change, project: str) -> ProjectRecord:
        found = await self._find(change, project)
        if found is None or found.deleted_at is not None:
            raise ProjectNotFound
        return found

    async def _find(self, source: Database | Change, project: str) -> ProjectRecord | None:
        if project.startswith("proj_"):
            return await source.fetch_one(_GET, project_id=parsed("proj", project))
        return await source.fetch_one(_NAMED, name=project)


async def _set(change: Change, found: ProjectRecord, values: Mapping[str, Any], **details: Any) -> ProjectRecord:
    new = {f"new_{name}": value for name, value in values.items()}
    changed = await change.fetch_one(
        _update_query(frozenset(values)),
        project_id=parsed("proj", found.id),
        new_updated_at=datetime.now(UTC),
        **new,
    )
    if changed is None:
        raise ProjectNotFound  # somebody deleted it meanwhile
    change.touched(found.id, name=changed.name, **details)
    return changed


async def _revoke(change: Change, project: ProjectRecord) -> None:
    now = datetime.now(UTC)
    for identity in await change.fetch_all(_REVOKE, project_id=parsed("proj", project.id), now=now):
        change.touched(shown("key", identity), aggregate="api_key", reason=change.action)


async def _refuse_taken(change: Change, name: str) -> None:
    if await change.fetch_one(_NAMED, name=name) is not None:
        raise Conflict("There is a project of this name already.")


def _columns(options: Mapping[str, Any]) -> dict[str, Any]:
    unknown = options.keys() - {"name", "settings"}
    if unknown:
        raise InvalidRecord(f"A project has no {', '.join(sorted(unknown))}.")
    checks = {"name": _name, "settings": settings_of}
    return {option: checks[option](option, value) for option, value in options.items()}


def _name(option: str, value: object) -> str:
    name = name_of(option, value)
    if name.startswith("proj_"):
        raise InvalidRecord("A project's name does not begin with proj_, as its id does.")
    return name
