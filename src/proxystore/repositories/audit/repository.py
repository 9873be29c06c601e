"""The audit trail, for who asks and who adds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from proxystore.changes.chain import Chain, entry_now
from proxystore.database import Database
from proxystore.errors import AuditEventNotFound, InvalidRecord
from proxystore.periods import expect_range
from proxystore.records.audit import AuditEvent, AuditHead, AuditOutcome, AuditVerdict
from proxystore.records.migration import Revision
from proxystore.repositories.audit.configuration import CHANGED, changed
from proxystore.repositories.audit.events import EQUAL, FIND, FIND_SEQ, list_query
from proxystore.repositories.audit.verifying import find_head, verify
from proxystore.settings import Settings

_PAGE: Final = 1_000


class AuditRepository:
    """Who did what, and what was refused.

    Filters are the names of fields: ``action``, ``actor``, ``outcome``, ``reason``, ``project_id``, ``key_id``,
    ``request_id``, ``correlation_id``, ``client_ip``, ``method``, ``path``, ``user_agent``. ``text`` is looked for in
    all of them and in the metadata, wherever it stands, with A to Z like a to z. ``since`` (inclusive) and ``until``
    (exclusive) are times at which something happened.
    """

    def __init__(self, database: Database, chain: Chain) -> None:
        self._database = database
        self._chain = chain

    async def list(
        self,
        *,
        limit: int,
        before: int | None = None,
        text: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        **fields: str | None,
    ) -> list[AuditEvent]:
        """Return at most *limit* events, the last recorded first.

        Args:
            limit: How many at most.
            before: Only those with a smaller ``seq``: the last one's of the page before.
            text: See above.
            since: See above.
            until: See above.
            **fields: See above.

        Raises:
            InvalidRecord: There is no such field, a time has no time zone, or the range ends before it begins.
        """
        chosen = _chosen(before=before, text=text, since=since, until=until, **fields)
        query = list_query(self._database.dialect, frozenset(chosen))
        return await self._database.fetch_all(query, limit=limit, **chosen)

    async def events(
        self,
        *,
        after: int = 0,
        most: int | None = None,
        text: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        **fields: str | None,
    ) -> AsyncIterator[AuditEvent]:
        """Yield every event with a greater ``seq`` than *after*, in the order of the chain, a page in memory at a time.

        Args:
            after: See above; 0 is the beginning.
            most: How many at most; ``None`` is all.
            text: See above.
            since: See above.
            until: See above.
            **fields: See above.

        Raises:
            InvalidRecord: As :meth:`list`.
        """
        while True:
            chosen = _chosen(after=after, text=text, since=since, until=until, **fields)
            query = list_query(self._database.dialect, frozenset(chosen), is_oldest_first=True)
            limit = _PAGE if most is None else min(_PAGE, most)
            page = await self._database.fetch_all(query, limit=limit, **chosen)
            for event in page:
                yield event
            most = None if most is None else most - len(page)
            if len(page) < limit or most == 0:
                return
            after = page[-1].seq

    async def get(self, event: UUID | int) -> AuditEvent:
        """Return the event with an id, or at a place of the chain.

        Raises:
            AuditEventNotFound: There is none.
        """
        if isinstance(event, UUID):
            found = await self._database.fetch_one(FIND, event_id=event)
        else:
            found = await self._database.fetch_one(FIND_SEQ, seq=event)
        if found is None:
            raise AuditEventNotFound
        return found

    async def record(
        self,
        action: str,
        *,
        actor: str | None = None,
        outcome: AuditOutcome = "success",
        reason: str | None = None,
        project_id: str | None = None,
        key_id: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> UUID:
        """Write down what was done, and return the event's id; it is in the chain when this returns.

        Raises:
            StoreError: The database did not take it.
        """
        entry = entry_now(
            action,
            actor=actor,
            outcome=outcome,
            reason=reason,
            project_id=project_id,
            key_id=key_id,
            metadata=metadata,
        )
        async with self._database.transaction() as transaction:
            await self._chain.append(transaction, [entry], are_new=True)
        return entry.event_id

    async def record_revisions(self, action: str, revisions: Iterable[Revision], *, actor: str | None = None) -> None:
        """Write down that revisions of the schema were applied or undone."""
        done = [f"{revision.history} {revision.id}: {revision.message}" for revision in revisions]
        await self.record(action, actor=actor, metadata={"revisions": done})

    async def record_settings(self, settings: Settings) -> bool:
        """Write down what is set, secrets as fingerprints, if that is not what was written down last.

        Returns:
            Whether it was written down.
        """
        last = await self.list(limit=1, action=CHANGED)
        found = changed(settings, last[0] if last else None, self._chain.keys[0])
        if found is None:
            return False
        entry = entry_now(CHANGED, event_id=found.event_id, metadata=found.metadata)
        async with self._database.transaction() as transaction:
            return await self._chain.append(transaction, [entry]) > 0

    async def head(self) -> AuditHead:
        """Return the end of the chain: kept elsewhere, it proves later that nothing before it has changed or gone."""
        return await find_head(self._database)

    async def verify(self, *, head: AuditHead | None = None) -> AuditVerdict:
        """Follow the whole chain, and say where it is not what was written.

        Args:
            head: An earlier :meth:`head` that was kept elsewhere: without one, whoever can restore an old copy of the
                whole database can hide what came after.
        """
        return await verify(self._database, self._chain.keys, head)


def _chosen(**filters: Any) -> dict[str, Any]:
    chosen = {name: value for name, value in filters.items() if value is not None}
    unknown = chosen.keys() - {*EQUAL, "before", "after", "text", "since", "until"}
    if unknown:
        raise InvalidRecord(f"Audit events have no field {', '.join(sorted(unknown))}.")
    expect_range(chosen.get("since"), chosen.get("until"))
    if "text" in chosen:
        chosen["text"] = _small(chosen["text"])
    return chosen


def _small(text: str) -> str:
    return "".join(character.lower() if character.isascii() else character for character in text)
