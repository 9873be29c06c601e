"""Every key that was ever issued: made, found, changed, revoked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Unpack
from uuid import UUID

from proxystore.changes import Changes
from proxystore.credentials import PREFIX, Digester, fingerprinted, is_well_formed, new_secret, refuse_weak
from proxystore.database import Database
from proxystore.errors import Conflict, InvalidRecord, KeyNotFound
from proxystore.ids import parsed, shown
from proxystore.records import FoundKey, KeyRecord, NewKey
from proxystore.repositories.keys import belonging, changing, making, statements
from proxystore.repositories.keys.judging import usable
from proxystore.repositories.keys.making import Batch, Draft
from proxystore.repositories.keys.metadata import KeyMetadataRepository
from proxystore.repositories.keys.options import KeyOptions, columns
from proxystore.repositories.keys.usage import with_usage

_BATCH: Final = 500
_LONGEST_GRACE: Final = timedelta(days=90)


class KeyRepository:
    """Every key that was ever issued; each call asks the database.

    Whoever changes something may say who it is, as *actor*. Ids are text such as ``key_0198…``.

    Attributes:
        metadata: What is written on keys.
    """

    def __init__(self, database: Database, changes: Changes, digester: Digester) -> None:
        self._database = database
        self._changes = changes
        self._digester = digester
        self.metadata = KeyMetadataRepository(database, changes)

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
        drafts = making.drafts(self._digester, wanted, secrets)
        records = await self._make(Batch("key.create", "made", drafts, actor))
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
        drafts = making.drafts(self._digester, [dict(options)], [secret])
        return (await self._make(Batch("key.import", origin, drafts, actor)))[0]

    async def adopt(self, fingerprint: str, *, actor: str | None = None, **options: Unpack[KeyOptions]) -> KeyRecord:
        """Make a key of a credential that was seen, without ever knowing it.

        Args:
            fingerprint: The 64 hexadecimal digits that it goes by, with or without the ``seen_`` before them.
            actor: Who does it.
            **options: What is said of it; see `KeyOptions`.

        Raises:
            InvalidRecord: This is no fingerprint; or as :meth:`create`.
            Conflict: It is a key already.
        """
        digest = fingerprinted(fingerprint)
        if await self.find(digest) is not None:
            raise Conflict("This credential is a key already.")
        draft = Draft(dict(options), digest, f"{digest.hex()[:8]}…")
        return (await self._make(Batch("key.adopt", "adopted", [draft], actor)))[0]

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
        filters |= {"before": _id(before) if before else None, "project_id": await self._project(project)}
        filters |= {"expired_at": datetime.now(UTC) if expired else None, "kept": None if deleted else True}
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

    async def authenticate(self, secret: str) -> KeyRecord:
        """Return the key that has this secret, if it may be used now.

        Raises:
            KeyNotFound: There is none, or it is deleted; a malformed one is refused without asking the database.
            KeyInactive: It was deactivated or revoked.
            KeyExpired: Its time is over; or it was rotated, and the grace of the secret from before is over.
            ProjectInactive: Its project is not active.
        """
        encoded = secret.encode(errors="replace")
        if secret.startswith(PREFIX) and not is_well_formed(encoded):
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
            values["project_id"] = await self._project(options["project"], is_joining=True)
        async with self._changes.begin("api_key", action="key.update", actor=actor) as change:
            record = await changing.put(change, key_id, values, fields=sorted(options))
        return (await with_usage(self._database, [record]))[0]

    async def deactivate(self, key_id: str, *, actor: str | None = None) -> KeyRecord:
        """Refuse a key until it is reactivated; harmless when done twice."""
        async with self._changes.begin("api_key", action="key.deactivate", actor=actor) as change:
            await changing.switch(change, key_id, is_active=False)
        return await self.get(key_id)

    async def reactivate(self, key_id: str, *, actor: str | None = None) -> KeyRecord:
        """Let a key that was deactivated be used again; harmless when done twice.

        Raises:
            Conflict: It was revoked, which is for ever.
        """
        async with self._changes.begin("api_key", action="key.reactivate", actor=actor) as change:
            await changing.switch(change, key_id, is_active=True)
        return await self.get(key_id)

    async def revoke(self, key_id: str, *, actor: str | None = None) -> KeyRecord:
        """Refuse a key for ever, with the secret from before a rotation; harmless when done twice.

        Raises:
            KeyNotFound: There is none with this id.
        """
        async with self._changes.begin("api_key", action="key.revoke", actor=actor) as change:
            found = await change.fetch_one(statements.GET, key_id=_id(key_id))
            if found is None:
                raise KeyNotFound
            await changing.revoke(change, "keys", key_ids=[_id(key_id)])
            if found.revoked_at is not None:
                change.noted(key_id, reason="revoked already")
        return await self.get(key_id)

    async def revoke_many(self, key_ids: Iterable[str], *, actor: str | None = None) -> int:
        """Revoke keys, unknown ones aside, and return how many were not revoked before."""
        wanted = [_id(key_id) for key_id in dict.fromkeys(key_ids)]
        async with self._changes.begin("api_key", action="key.revoke", actor=actor) as change:
            return sum(
                [
                    await changing.revoke(change, "keys", key_ids=wanted[first : first + _BATCH])
                    for first in range(0, len(wanted), _BATCH)
                ]
            )

    async def revoke_project(self, project: str, *, actor: str | None = None) -> int:
        """Revoke every key of a project, and return how many were not revoked before."""
        identity = await self._project(project)
        async with self._changes.begin("api_key", action="key.revoke", actor=actor) as change:
            return await changing.revoke(change, "project", project_id=identity)

    async def revoke_expired(self, *, actor: str | None = None) -> int:
        """Revoke every key whose time is over, and return how many were not revoked before."""
        async with self._changes.begin("api_key", action="key.revoke", actor=actor) as change:
            return await changing.revoke(change, "expired")

    async def rotate(self, key_id: str, *, grace: timedelta | None = None, actor: str | None = None) -> NewKey:
        """Give a key another secret; the one it has stays good for *grace*, and no longer.

        A secret from before an earlier rotation ends at once.

        Raises:
            KeyNotFound: There is none with this id, or it is deleted.
            KeyInactive: It was revoked.
            InvalidRecord: The grace is negative or longer than 90 days.
        """
        if grace is not None and not timedelta(0) <= grace <= _LONGEST_GRACE:
            raise InvalidRecord("A grace is 90 days at most.")
        secret = new_secret()
        (draft,) = making.drafts(self._digester, [{}], [secret])
        async with self._changes.begin("api_key", action="key.rotate", actor=actor) as change:
            record = await changing.rotate(change, key_id, draft, self._digester.version, grace)
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

    async def invalidate(self, key_id: str | None = None, *, actor: str | None = None) -> None:
        """Have every process ask again for a key, or for all of them: for rows that were edited by hand."""
        async with self._changes.begin("api_key", action="key.invalidate", actor=actor) as change:
            change.touched(None if key_id is None else shown("key", _id(key_id)))

    async def _make(self, batch: Batch) -> Sequence[KeyRecord]:
        return await making.make(self._database, self._changes, self._digester.version, batch)

    async def _project(self, called: str | None, *, is_joining: bool = False) -> UUID | None:
        projects = await belonging.known(self._database, [called] if called else [])
        if called is None:
            return None
        return belonging.active(projects, called) if is_joining else projects[called][0]


def _id(text: str) -> UUID:
    return parsed("key", text)
