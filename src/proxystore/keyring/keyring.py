"""Keys by their secrets, remembered.

What is remembered lies under a name that only this process can make of a secret (BLAKE2b, under a key drawn when it
began), and never under the secret itself. The HMAC that the database knows a key by is made when the database is asked,
for unknown secrets as for known ones.
"""

from __future__ import annotations

import asyncio
import os
from hashlib import blake2b
from typing import Final

from proxystore import credentials
from proxystore.cache import MemoryCache
from proxystore.changes import Follower
from proxystore.credentials import Digester
from proxystore.database import Database
from proxystore.errors import StoreError, StoreTimeout
from proxystore.keyring import asking
from proxystore.keyring.asking import Facts
from proxystore.keyring.known import KnownKey
from proxystore.records import CacheStats

_TRIES: Final = 3
_DEADLINE: Final = 2.0
_LONGEST_UNKNOWN: Final = 60.0
_LONGEST: Final = 512


class Keyring:
    """Whose secret is this?

    Answers from memory while the change log says that nothing has changed, else asks the database: for one secret once,
    however many ask at the same time. While the database is away, keys that are remembered are good for as long as the
    follower allows, and no others.

    Args:
        database: Where keys are.
        follower: Tells what has changed.
        digester: Makes what the database knows a secret by.
        size: How many keys are remembered, and as many secrets that are none.
        ttl: For how many seconds, if nothing changes.
    """

    def __init__(
        self,
        database: Database,
        follower: Follower,
        digester: Digester,
        *,
        size: int,
        ttl: float,
    ) -> None:
        self._database = database
        self._follower = follower
        self._digester = digester
        self._size = size
        self._known: MemoryCache[bytes, KnownKey] = MemoryCache(size, ttl, keeps_expired=True)
        self._unknown: MemoryCache[bytes, bool] = MemoryCache(size, min(ttl, _LONGEST_UNKNOWN))
        self._names: dict[str, set[bytes]] = {}
        self._asking: dict[bytes, asyncio.Task[KnownKey | None]] = {}
        self._facts: Facts | None = None
        self._salt = os.urandom(32)
        follower.subscribe("api_key", self._forget_key)
        follower.subscribe("project", self._forget_project)

    @staticmethod
    def is_ours(secret: bytes) -> bool:
        """Tell whether *secret* has the form of a key of ours; what has not is looked for only if it is asked for."""
        return credentials.is_well_formed(secret)

    def fingerprint(self, secret: bytes) -> str:
        """Return what stands for a credential that is no key: nobody can make the credential of it."""
        return credentials.fingerprint(self._digester.digest(secret[:_LONGEST]))

    def recall(self, secret: bytes) -> KnownKey | None:
        """Return the key of *secret* if it is remembered and can be used at once; never waits."""
        known = self._known.get(blake2b(secret, digest_size=16, key=self._salt).digest())
        return known if known is not None and self._follower.is_fresh else None

    async def find(self, secret: bytes) -> KnownKey | None:
        """Return the key of *secret*, whether it is good or not; ``None`` if there is none.

        Raises:
            StoreError: The database cannot be asked, and the key is not remembered or was so for too long.
        """
        if len(secret) > _LONGEST:
            return None
        name = blake2b(secret, digest_size=16, key=self._salt).digest()
        known = self._known.get(name)
        if known is None and self._unknown.get(name) is None:
            return await self._ask(name, secret)
        if self._follower.is_fresh:
            return known
        await self._follower.fresh()  # may have told us meanwhile to forget it
        known = self._known.peek(name)
        return known if known is not None else await self._ask(name, secret)

    async def facts(self) -> Facts:
        """Return what is true of all keys together.

        Raises:
            StoreError: The database cannot be asked.
        """
        if self._facts is None or not self._follower.is_fresh:
            await self._follower.fresh()
        if self._facts is None:
            generation = self._follower.generation
            found = await asking.facts(self._database)
            if generation != self._follower.generation:
                return found  # may be older than what we were told to forget
            self._facts = found
        return self._facts

    @property
    def stats(self) -> dict[str, CacheStats]:
        """How its caches do: of keys, and of secrets that are none."""
        return {"keys": self._known.stats, "unknown_keys": self._unknown.stats}

    # -- asking -----------------------------------------------------------------------------------------------------

    async def _ask(self, name: bytes, secret: bytes) -> KnownKey | None:
        task = self._asking.get(name)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = self._asking[name] = asyncio.get_running_loop().create_task(self._fill(name, secret))
            task.add_done_callback(lambda done: self._answered(name, done))
        try:
            return await asyncio.shield(task)  # who goes away takes the answer from nobody else
        except StoreError:
            known = self._known.peek(name)
            if known is None:
                raise
            await self._follower.fresh()
            return known

    def _answered(self, name: bytes, task: asyncio.Task[KnownKey | None]) -> None:
        if self._asking.get(name) is task:
            del self._asking[name]
        if not task.cancelled():
            task.exception()  # else asyncio complains where nobody waited for it

    async def _fill(self, name: bytes, secret: bytes) -> KnownKey | None:
        digests, is_ours = self._digester.digests(secret), self.is_ours(secret)
        known = None
        for _ in range(_TRIES):
            try:
                async with asyncio.timeout(_DEADLINE):
                    generation, known = await asking.find(self._database, digests, is_ours=is_ours)
            except TimeoutError:
                raise StoreTimeout from None
            if generation >= self._follower.generation:
                if generation > self._follower.generation:
                    self._follower.wake()  # somebody has changed something: perhaps another key that we remember
                self._remember(name, known)
                break
            # We were told of changes meanwhile that this answer may not know of: it must not be remembered.
        return known

    def _remember(self, name: bytes, known: KnownKey | None) -> None:
        if known is None:
            self._known.drop(name)
            self._unknown.put(name, value=True)
            return
        self._known.put(name, known)
        self._names.setdefault(known.principal.key_id or "", set()).add(name)
        if len(self._names) > 2 * self._size + 16:  # keys that made room for others have left theirs behind
            self._names.clear()
            for each, remembered in self._known:
                self._names.setdefault(remembered.principal.key_id or "", set()).add(each)

    # -- forgetting -------------------------------------------------------------------------------------------------

    def _forget_key(self, key_id: str | None) -> None:
        self._facts = None
        self._unknown.clear()  # it may be a new key: any of them may be
        if key_id is None:
            self._known.clear()
            self._names.clear()
        for name in self._names.pop(key_id or "", ()):
            self._known.drop(name)

    def _forget_project(self, project_id: str | None) -> None:
        for name, known in list(self._known):
            if project_id is None or known.principal.project_id == project_id:
                self._known.drop(name)
