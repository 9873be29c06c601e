"""What hosts cache together; for a request it is a shelf that may not answer, and never an error."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Final, TypeVar

from sqlalchemy import BigInteger, LargeBinary, Text, bindparam, delete, func, insert, select

from proxystore.cache import Entry
from proxystore.cache.entry import packed, unpacked
from proxystore.database import Database, Query, Statement, upsert
from proxystore.errors import ProxyStoreError
from proxystore.schema.cache_entries import cache_entries, cache_tags

T = TypeVar("T")
logger = logging.getLogger(__name__)

_BATCH: Final = 500
_id: Final = bindparam("entry_id", type_=LargeBinary)
_space: Final = bindparam("space", type_=Text)
_now: Final = bindparam("now", type_=BigInteger)
_first: Final = bindparam("first", type_=LargeBinary)
_last: Final = bindparam("last", type_=LargeBinary)

_FETCH: Final = Query(select(cache_entries.c.value).where(cache_entries.c.entry_id == _id), lambda value: value)
_new = upsert(cache_entries).values(
    entry_id=_id,
    space=_space,
    key=bindparam("key", type_=LargeBinary),
    value=bindparam("value", type_=LargeBinary),
    expires_at=bindparam("expires_at", type_=BigInteger),
)
_SET: Final = Statement(
    _new.on_conflict_do_update(
        index_elements=["entry_id"], set_={"value": _new.excluded.value, "expires_at": _new.excluded.expires_at}
    )
)
_UNTAG: Final = Statement(delete(cache_tags).where(cache_tags.c.entry_id == _id))
_TAG: Final = Statement(insert(cache_tags).values(tag=bindparam("tag", type_=Text), entry_id=_id))
_DELETE: Final = Statement(delete(cache_entries).where(cache_entries.c.entry_id == _id))
_INVALIDATE: Final = Statement(
    delete(cache_entries).where(
        cache_entries.c.space == _space,
        cache_entries.c.entry_id.in_(
            select(cache_tags.c.entry_id).where(cache_tags.c.tag == bindparam("tag", type_=Text))
        ),
    )
)
_PURGE: Final = Statement(delete(cache_entries).where(cache_entries.c.space == _space))
_PURGE_PREFIX: Final = Statement(
    delete(cache_entries).where(
        cache_entries.c.space == _space, cache_entries.c.key >= _first, cache_entries.c.key < _last
    )
)
_CLEAN: Final = Statement(
    delete(cache_entries).where(
        cache_entries.c.entry_id.in_(
            select(cache_entries.c.entry_id).where(cache_entries.c.expires_at < _now).limit(_BATCH)
        )
    )
)
_MEASURE: Final = Query(
    select(func.count().label("n"), func.coalesce(func.sum(func.length(cache_entries.c.value)), 0).label("size")).where(
        cache_entries.c.space == _space
    ),
    lambda n, size: (int(n), int(size)),
)
_SPACES: Final = Query(select(cache_entries.c.space).distinct().order_by(cache_entries.c.space), lambda space: space)


class CacheEntries:
    """The table that several hosts share (see `proxystore.cache.Table`)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sets = 0
        self._said_at = float("-inf")

    async def fetch(self, space: str, key: bytes) -> Entry | None:
        """Return an entry, ``None`` if there is none."""
        data = await self._attempt(lambda: self._database.fetch_one(_FETCH, entry_id=_entry_id(space, key)))
        return None if data is None else unpacked(key, bytes(data))

    async def set(self, space: str, key: bytes, entry: Entry, tags: Sequence[str]) -> bool:
        """Keep an entry in place of another; return whether it is kept."""
        entry_id = _entry_id(space, key)

        async def work() -> bool:
            async with self._database.transaction() as transaction:
                await transaction.execute(
                    _SET,
                    entry_id=entry_id,
                    space=space,
                    key=key,
                    value=packed(key, entry),
                    expires_at=entry.expires_at,
                )
                await transaction.execute(_UNTAG, entry_id=entry_id)
                if tags:
                    rows = [{"tag": tag, "entry_id": entry_id} for tag in sorted(set(tags))]
                    await transaction.execute_many(_TAG, rows)
            return True

        is_kept = await self._attempt(work)
        self._sets += 1
        if self._sets % _BATCH == 0:  # each process clears away as much as it brings
            await self._attempt(lambda: self._database.execute(_CLEAN, now=time.time_ns() // 1000))
        return bool(is_kept)

    async def delete(self, space: str, key: bytes) -> bool:
        """Forget an entry; return whether there was one."""
        return bool(await self._attempt(lambda: self._database.execute(_DELETE, entry_id=_entry_id(space, key))))

    async def invalidate(self, space: str, tags: Sequence[str]) -> int:
        """Forget what has one of *tags*; return how many entries that were."""
        counts = [await self._database.execute(_INVALIDATE, space=space, tag=tag) for tag in tags]
        return sum(counts)

    async def purge(self, space: str, prefix: bytes) -> int:
        """Forget what has a key that begins with *prefix*; return how many entries that were."""
        if not prefix:
            return await self._database.execute(_PURGE, space=space)
        head = prefix.rstrip(b"\xff")
        last = head[:-1] + bytes((head[-1] + 1,)) if head else b"\xff" * 257  # longer than any key
        return await self._database.execute(_PURGE_PREFIX, space=space, first=prefix, last=last)

    async def measure(self, space: str) -> tuple[int, int]:
        """Return how many entries there are, and how many bytes they have."""
        return await self._database.fetch_one(_MEASURE, space=space) or (0, 0)

    async def spaces(self) -> list[str]:
        """Return the names of all spaces that have an entry."""
        return await self._database.fetch_all(_SPACES)

    async def cleanup(self) -> int:
        """Delete what has expired; return how many entries that were."""
        total, count = 0, _BATCH
        while count == _BATCH:
            count = await self._database.execute(_CLEAN, now=time.time_ns() // 1000)
            total += count
        return total

    async def _attempt(self, work: Callable[[], Awaitable[T]]) -> T | None:
        try:
            return await work()
        except ProxyStoreError as error:
            if time.monotonic() - self._said_at > 60:  # once a minute is enough
                self._said_at = time.monotonic()
                logger.warning("what hosts cache together cannot be had: %s", error)
            return None


def _entry_id(space: str, key: bytes) -> bytes:
    return sha256(b"%d:%b%b" % (len(space), space.encode(), key)).digest()
