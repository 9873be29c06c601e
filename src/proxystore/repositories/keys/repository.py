"""Every key that was ever issued: made, found, changed, revoked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, Unpack
from uuid import UUID

from proxystore.changes import Change, Changes
from proxystore.credentials import Digester, is_well_formed, masked, new_secret, refuse_weak
from proxystore.database import Database
from proxystore.errors import (
    Conflict,
    InvalidRecord,
    KeyExpired,
    KeyInactive,
    KeyNotFound,
    ProjectInactive,
    ProjectNotFound,
)
from proxystore.ids import parsed, shown, uuid7
from proxystore.records import FoundKey, KeyMetadata, KeyRecord, NewKey
from proxystore.repositories.keys import metadata, statements
from proxystore.repositories.keys.options import KeyOptions, columns
from proxystore.repositories.keys.usage import with_usage

_BATCH: Final = 500
_DIGEST: Final = 32
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


class _Draft(NamedTuple):
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


class KeyRepository:
    """Every key that was ever issued; each call asks the database.

    Whoever changes something may say who it is, as *actor*. Ids are text such as ``key_0198…``.
    """

    def __init__(self, database: Database, changes: Changes, digester: Digester) -> None:
        self._database = database
        self._changes = changes
        self._digester = digester

    async def create(self, *, actor: str | None = None, **options: Unpack[KeyOptions]) -> NewKey:
        """Make a key; its secret is told here and never again.

        Args:
            actor: Who does it.
            **options: What is said of it; see `KeyOptions`. A ``name`` is needed.

        Raises:
            InvalidRecord: An option has a value that it may not have.
            ProjectNotFound: There is no such project.
            ProjectInactive: The project is not active.
        """
        (made,) = await self.create_many([options], actor=actor)
        return made

    async def create_many(self, options: Iterable[KeyOptions], *, actor: str | None = None) -> list[NewKey]:
        """Make many keys, all of them or none; see :meth:`create`."""
        wanted = [dict(each) for each in options]
        secrets = [new_secret() for _ in wanted]
        drafts = [self._draft(each, secret) for each, secret in zip(wanted, secrets, strict=True)]
        records = await self._insert("key.create", "made", drafts, actor)
        return [NewKey(secret=secret, record=record) for secret, record in zip(secrets, records, strict=True)]

    async def import_key(self, secret: str, *, actor: str | None = None, **options: Unpack[KeyOptions]) -> KeyRecord:
        """Take over a key that clients have already, such as ``sk-…``; the secret itself is not kept.

        Raises:
            InvalidRecord: It can be guessed, or is masked; or as :meth:`create`.
            Conflict: It is here already.
        """
        refuse_weak(secret)
        encoded = secret.encode()
        if await self.find(*self._digester.digests(encoded)) is not None:
            raise Conflict("This key is here already.")
        origin = "made" if is_well_formed(encoded) else "imported"
        return (await self._insert("key.import", origin, [self._draft(dict(options), secret)], actor))[0]

    async def adopt(self, fingerprint: str, *, actor: str | None = None, **options: Unpack[KeyOptions]) -> KeyRecord:
        """Make a key of a credential that was seen, without ever knowing it.

        Args:
            fingerprint: The 64 hexadecimal digits that it goes by.
            actor: Who does it.
            **options: What is said of it; see `KeyOptions`.

        Raises:
            InvalidRecord: This is no fingerprint; or as :meth:`create`.
            Conflict: It is a key already.
        """
        try:
            digest = bytes.fromhex(fingerprint)
        except ValueError:
            digest = b""
        if len(digest) != _DIGEST:
            raise InvalidRecord(f"A fingerprint is {2 * _DIGEST} hexadecimal digits.")
        if await self.find(digest) is not None:
            raise Conflict("This credential is a key already.")
        draft = _Draft(dict(options), digest, f"{fingerprint[:8].lower()}…")
        return (await self._insert("key.adopt", "adopted", [draft], actor))[0]

    async def get(self, key_id: str) -> KeyRecord:
        """Return a key, deleted or not, with what is known of its use.

        Raises:
            KeyNotFound: There is none with this id.
        """
        found = await self._database.fetch_one(statements.GET, key_id=_id(key_id))
        if found is None:
            raise KeyNotFound
        return (await with_usage(self._database, [found]))[0]

    async def list(
        self,
        *,
        limit: int,
        before: str | None = None,
        project: str | None = None,
        active: bool | None = None,
        name: str | None = None,
        origin: str | None = None,
        expired: bool = False,
        deleted: bool = False,
    ) -> list[KeyRecord]:
        """Return keys, newest first.

        Args:
            limit: How many at most.
            before: Only those older than this: the id of the last one of the page before.
            project: Only those of this project, by its id or its name.
            active: Only those that are active, or only those that are not.
            name: Only those of this name.
            origin: Only those that were ``made``, ``imported``, or ``adopted``.
            expired: Only those whose time is over.
            deleted: Those that are deleted, too.
        """
        filters: dict[str, Any] = {"active": active, "name": name, "origin": origin}
        filters["before"] = None if before is None else _id(before)
        filters["project_id"] = None if project is None else (await self._projects([project]))[project][0]
        filters["expired_at"] = datetime.now(UTC) if expired else None
        filters["kept"] = None if deleted else True
        given = {key: value for key, value in filters.items() if value is not None}
        query = statements.list_query(frozenset(given))
        return await with_usage(
            self._database, await self._database.fetch_all(query, limit=limit, **statements.parameters(given))
        )

    async def find(self, *digests: bytes) -> FoundKey | None:
        """Return the key with one of these digests, its project, and as of which change: all in one look.

        Revoked, expired and deleted keys are found, too; whoever asks decides.
        """
        named = {f"digest_{number}": digest for number, digest in enumerate(digests)}
        return await self._database.fetch_one(statements.find_query(len(digests)), **named)

    async def has_foreign(self) -> bool:
        """Whether there is any key that is none of ours: then a credential of any form may be one."""
        return await self._database.fetch_one(statements.HAS_FOREIGN) is not None

    async def authenticate(self, secret: str) -> KeyRecord:
        """Return the key that has this secret, if it may be used now.

        Raises:
            KeyNotFound: There is none, or it is deleted; a malformed one is refused without asking the database.
            KeyInactive: It was deactivated or revoked.
            KeyExpired: Its time is over; or it was rotated, and the grace of the secret from before is over.
            ProjectInactive: Its project is not active.
        """
        encoded = secret.encode(errors="replace")
        if secret.startswith("psk_") and not is_well_formed(encoded):
            raise KeyNotFound
        return usable(await self.find(*self._digester.digests(encoded)), datetime.now(UTC))

    async def update(self, key_id: str, *, actor: str | None = None, **options: Unpack[KeyOptions]) -> KeyRecord:
        """Change what is given, and leave the rest; ``None`` takes a bound away.

        Raises:
            KeyNotFound: There is none with this id, or it is deleted.
            InvalidRecord: Nothing is given, or a value is none that it may have.
        """
        if not options:
            raise InvalidRecord("There is nothing to update.")
        values = columns(options)
        if "project" in options:
            values |= {"project_id": None}
            project = options["project"]
            if project is not None:
                values["project_id"] = await self._active_project(project)
        return await self._set(key_id, "key.update", values, actor, fields=sorted(options))

    async def deactivate(self, key_id: str, *, actor: str | None = None) -> KeyRecord:
        """Refuse a key until it is reactivated; harmless when done twice."""
        return await self._switch(key_id, "key.deactivate", actor, is_active=False)

    async def reactivate(self, key_id: str, *, actor: str | None = None) -> KeyRecord:
        """Let a key that was deactivated be used again; harmless when done twice.

        Raises:
            Conflict: It was revoked, which is for ever.
        """
        return await self._switch(key_id, "key.reactivate", actor, is_active=True)

    async def revoke(self, key_id: str, *, actor: str | None = None) -> KeyRecord:
        """Refuse a key for ever, with the secret from before a rotation; harmless when done twice.

        Raises:
            KeyNotFound: There is none with this id.
        """
        async with self._changes.begin("api_key", action="key.revoke", actor=actor) as change:
            found = await change.fetch_one(statements.GET, key_id=_id(key_id))
            if found is None:
                raise KeyNotFound
            await self._revoke(change, "keys", key_ids=[_id(key_id)])
            if found.revoked_at is not None:
                change.noted(key_id, reason="revoked already")
        return await self.get(key_id)

    async def revoke_many(self, key_ids: Iterable[str], *, actor: str | None = None) -> int:
        """Revoke keys, unknown ones aside, and return how many were not revoked before."""
        wanted = [_id(key_id) for key_id in dict.fromkeys(key_ids)]
        async with self._changes.begin("api_key", action="key.revoke", actor=actor) as change:
            return sum(
                [
                    await self._revoke(change, "keys", key_ids=wanted[first : first + _BATCH])
                    for first in range(0, len(wanted), _BATCH)
                ]
            )

    async def revoke_project(self, project: str, *, actor: str | None = None) -> int:
        """Revoke every key of a project, and return how many were not revoked before."""
        identity, _ = (await self._projects([project]))[project]
        async with self._changes.begin("api_key", action="key.revoke", actor=actor) as change:
            return await self._revoke(change, "project", project_id=identity)

    async def revoke_expired(self, *, actor: str | None = None) -> int:
        """Revoke every key whose time is over, and return how many were not revoked before."""
        async with self._changes.begin("api_key", action="key.revoke", actor=actor) as change:
            return await self._revoke(change, "expired")

    async def rotate(self, key_id: str, *, grace: timedelta | None = None, actor: str | None = None) -> NewKey:
        """Give a key another secret; the one it has stays good for *grace*, and no longer.

        A secret from before an earlier rotation ends at once.

        Raises:
            KeyNotFound: There is none with this id, or it is deleted.
            KeyInactive: It was revoked.
            InvalidRecord: The grace is negative or longer than 90 days.
        """
        if grace is not None and not timedelta(0) <= grace <= timedelta(days=90):
            raise InvalidRecord("A grace is 90 days at most.")
        secret, now = new_secret(), datetime.now(UTC)
        values: dict[str, Any] = {
            "key_id": _id(key_id),
            "now": now,
            "new_digest": self._digester.digest(secret.encode()),
            "new_prefix": masked(secret),
            "new_pepper_version": self._digester.version,
        }
        async with self._changes.begin("api_key", action="key.rotate", actor=actor) as change:
            record = await (
                change.fetch_one(statements.ROTATE, **values, until=now + grace)
                if grace
                else change.fetch_one(statements.REPLACE, **values)
            )
            if record is None:
                raise await self._missing(change, key_id)
            change.touched(key_id, prefix=record.prefix, grace_seconds=grace.total_seconds() if grace else 0)
        return NewKey(secret=secret, record=record)

    async def delete(self, key_id: str, *, actor: str | None = None) -> None:
        """Revoke a key and hide it from lists; what it did stays on record. Harmless when done twice.

        Raises:
            KeyNotFound: There is none with this id, and never was.
        """
        async with self._changes.begin("api_key", action="key.delete", actor=actor) as change:
            if await change.fetch_one(statements.DELETE, key_id=_id(key_id), now=datetime.now(UTC)) is not None:
                change.touched(key_id)
            elif await change.fetch_one(statements.GET, key_id=_id(key_id)) is None:
                raise KeyNotFound
            else:
                change.noted(key_id, reason="deleted already")

    async def set_metadata(
        self,
        key_id: str,
        kind: str,
        key: str,
        value: str,
        *,
        actor: str | None = None,
    ) -> None:
        """Write something on a key, in place of what was there for the same *kind* and *key*.

        Raises:
            KeyNotFound: There is none with this id.
            InvalidRecord: One of the texts is empty or too long.
        """
        values = metadata.checked(type=kind, key=key, value=value)
        async with self._changes.begin("api_key", action="key.update", actor=actor) as change:
            if await change.fetch_one(statements.GET, key_id=_id(key_id)) is None:
                raise KeyNotFound
            await change.execute(metadata.SET, key_id=_id(key_id), now=datetime.now(UTC), **values)
            change.noted(key_id, metadata=f"{kind}:{key}")

    async def delete_metadata(self, key_id: str, kind: str, key: str, *, actor: str | None = None) -> bool:
        """Take off what is written on a key for *kind* and *key*, and say whether anything was."""
        async with self._changes.begin("api_key", action="key.update", actor=actor) as change:
            count = await change.execute(metadata.DELETE, key_id=_id(key_id), type_=kind, key_=key)
            if count:
                change.noted(key_id, metadata=f"{kind}:{key}")
        return count > 0

    async def metadata(self, key_id: str) -> Sequence[KeyMetadata]:
        """Return what is written on a key, by type and key."""
        return await self._database.fetch_all(metadata.LIST, key_id=_id(key_id))

    def _draft(self, options: Mapping[str, Any], secret: str) -> _Draft:
        return _Draft(options, self._digester.digest(secret.encode()), masked(secret))

    async def _insert(
        self, action: str, origin: str, drafts: Sequence[_Draft], actor: str | None
    ) -> Sequence[KeyRecord]:
        now = datetime.now(UTC)
        common: dict[str, Any] = {
            **_NOTHING,
            "origin": origin,
            "pepper_version": self._digester.version,
            "created_at": now,
            "updated_at": now,
        }
        ids = sorted(uuid7() for _ in drafts)  # made within a millisecond, they have no order of their own
        rows = [
            common | columns(draft.options) | draft.columns | {"id": identity}
            for identity, draft in zip(ids, drafts, strict=True)
        ]
        projects = await self._projects([draft.project for draft in drafts if draft.project])
        for draft, row in zip(drafts, rows, strict=True):
            if draft.project:
                row["project_id"] = _active(projects, draft.project)
        async with self._changes.begin("api_key", action=action, actor=actor) as change:
            await change.execute_many(statements.INSERT, rows)
            for row in rows:
                change.touched(shown("key", row["id"]), name=row["name"], prefix=row["prefix"])
        return [_record(row) for row in rows]

    async def _set(
        self, key_id: str, action: str, values: Mapping[str, Any], actor: str | None, **details: Any
    ) -> KeyRecord:
        query = statements.update_query(frozenset(values))
        new = {f"new_{name}": value for name, value in values.items()}
        async with self._changes.begin("api_key", action=action, actor=actor) as change:
            record = await change.fetch_one(query, key_id=_id(key_id), new_updated_at=datetime.now(UTC), **new)
            if record is None:
                raise KeyNotFound
            change.touched(key_id, **details)
        return (await with_usage(self._database, [record]))[0]

    async def _switch(self, key_id: str, action: str, actor: str | None, *, is_active: bool) -> KeyRecord:
        async with self._changes.begin("api_key", action=action, actor=actor) as change:
            found = await change.fetch_one(statements.GET, key_id=_id(key_id))
            if found is None or found.deleted_at is not None:
                raise KeyNotFound
            if is_active and found.revoked_at is not None:
                raise Conflict("This key was revoked, which is for ever: make another.")
            if found.is_active == is_active:
                change.noted(key_id, reason=f"{'active' if is_active else 'inactive'} already")
            else:
                now = datetime.now(UTC)
                await change.fetch_one(
                    statements.update_query(frozenset({"is_active", "deactivated_at"})),
                    key_id=_id(key_id),
                    new_is_active=is_active,
                    new_deactivated_at=None if is_active else now,
                    new_updated_at=now,
                )
                change.touched(key_id)
        return await self.get(key_id)

    async def _revoke(self, change: Change, chosen: str, **values: object) -> int:
        revoked = await change.fetch_all(statements.revoke_query(chosen), now=datetime.now(UTC), **values)
        for identity in revoked:
            change.touched(shown("key", identity))
        return len(revoked)

    async def _missing(self, change: Change, key_id: str) -> Exception:
        found = await change.fetch_one(statements.GET, key_id=_id(key_id))
        return KeyNotFound() if found is None or found.deleted_at is not None else KeyInactive()

    async def _active_project(self, project: str) -> UUID:
        return _active(await self._projects([project]), project)

    async def _projects(self, wanted: Iterable[str]) -> dict[str, tuple[UUID, bool]]:
        """Return id and activity of projects, by what each was called: its id or its name."""
        called = list(dict.fromkeys(wanted))
        if not called:
            return {}
        ids = [parsed("proj", text) for text in called if text.startswith("proj_")]
        names = [text for text in called if not text.startswith("proj_")]
        rows = await self._database.fetch_all(statements.PROJECTS, ids=ids, names=names)
        known = {
            text: (identity, active) for identity, name, active in rows for text in (name, shown("proj", identity))
        }
        if not known.keys() >= set(called):
            raise ProjectNotFound
        return known


def usable(found: FoundKey | None, at: datetime) -> KeyRecord:
    """Return the key that was found, if it may be used at that instant; see `KeyRepository.authenticate`."""
    if found is None or found.record.deleted_at is not None:
        raise KeyNotFound
    if not found.record.is_active:
        raise KeyInactive
    if found.record.is_expired(at) or (found.secret_until is not None and at >= found.secret_until):
        raise KeyExpired
    if found.project is not None and not found.project.is_active:
        raise ProjectInactive
    return found.record


def _id(text: str) -> UUID:
    return parsed("key", text)


def _active(projects: Mapping[str, tuple[UUID, bool]], called: str) -> UUID:
    identity, is_active = projects[called]
    if not is_active:
        raise ProjectInactive
    return identity


def _record(row: Mapping[str, Any]) -> KeyRecord:
    shown_columns = {name: value for name, value in row.items() if name not in statements.HIDDEN}
    return statements.key_record(
        **shown_columns,
        is_active=True,
        deactivated_at=None,
        revoked_at=None,
        deleted_at=None,
        previous_until=None,
    )
