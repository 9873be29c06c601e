"""For how long what a process holds is its own: it is heard of often enough, or what it holds is given to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Text, bindparam, cast, func, literal, select, true, update

from proxystore.database import Counted, Database, Query, Script, Statement, upsert
from proxystore.limits.clock import Clock
from proxystore.repositories.limits import bury, give_back, release
from proxystore.schema.limits import processes
from proxystore.schema.types import Id

_MICROSECONDS: Final = 1_000_000


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How long things take, in seconds.

    Attributes:
        beat: From one sign of life to the next.
        fence: After its last sign of life a process spends nothing that it holds.
        dead: Without a sign of life for so long, a process has lost what it holds.
        idle: What is not used for so long is given back.
        deadline: A request waits for the database no longer.
        forget: What nobody asks for any more is forgotten after so long.
    """

    beat: float = 5.0
    fence: float = 20.0
    dead: float = 30.0
    idle: float = 0.1
    deadline: float = 2.0
    forget: float = 60.0


class Tenure:
    """This process's right to what it holds.

    Attributes:
        process_id: Under which it holds.
        is_known: Whether it has been heard of.
        ends_at: Until then it may spend what it holds, in seconds since the host was started.
        beat_at: When it was heard of last.
    """

    def __init__(self, database: Database, clock: Clock, timing: Timing, process_id: UUID, host: str) -> None:
        self.process_id = process_id
        self.is_known = False
        self.ends_at = self.beat_at = 0.0
        self._database = database
        self._clock = clock
        self._timing = timing
        self._host = host

    async def beat(self, returned: Sequence[tuple[Any, ...]] = ()) -> bool:
        """Be heard of, and give *returned* back at the same time; return whether what was held before is held still.

        Not so if others have given it back, and then *returned* with it.
        """
        sent, dialect = self._clock.elapsed(), self._database.dialect

        def script() -> Script[bool]:
            now: dict[str, object] = {} if dialect == "postgresql" else {"beat_at": self._elapsed_us()}
            (count,) = yield _BEAT[dialect], Counted({"process": self.process_id, **now})
            if not count:
                yield _BEGIN[dialect], {"process_id": self.process_id, "host": self._host, **now}
            elif returned:
                yield from give_back(dialect, self.process_id, returned)
            return bool(count)

        is_held = await self._database.perform(script)
        self.is_known = True
        self.beat_at = sent
        self.ends_at = sent + self._timing.fence
        return is_held

    async def bury(self) -> int:
        """Give back what processes hold that have not been heard of for long; return how many those were."""
        dialect = self._database.dialect

        def script() -> Script[int]:
            now = yield from self._now()
            return (yield from bury(dialect, self.process_id, now, int(self._timing.dead * _MICROSECONDS)))

        return await self._database.perform(script)

    async def end(self) -> None:
        """Give everything back: nothing is held any more, and nobody has to hear of us."""
        self.is_known, self.ends_at = False, 0.0
        await self._database.perform(lambda: release(self._database.dialect, [self.process_id]))

    def _now(self) -> Script[int]:
        if self._database.dialect == "sqlite":
            return self._elapsed_us()
        (now,) = yield _SERVER_NOW, {}
        return int(now)

    def _elapsed_us(self) -> int:
        return int(self._clock.elapsed() * _MICROSECONDS)


_SERVER_TIME: Final = cast(
    func.floor(func.extract("epoch", func.clock_timestamp()) * literal(_MICROSECONDS)), BigInteger
)
_SERVER_NOW: Final = Query(select(_SERVER_TIME.label("now")), lambda now: now)
_GIVEN_TIME: Final = bindparam("beat_at", type_=BigInteger())


def _beginning(now: Any) -> Statement:
    row = select(bindparam("process_id", type_=Id()), bindparam("host", type_=Text()), now).where(true())
    insert = upsert(processes).from_select(["process_id", "host", "beat_at"], row)
    return Statement(
        insert.on_conflict_do_update(index_elements=["process_id"], set_={"beat_at": insert.excluded.beat_at})
    )


def _beating(now: Any) -> Statement:
    mine = processes.c.process_id == bindparam("process", type_=Id())
    return Statement(update(processes).where(mine).values(beat_at=now))


_TIMES: Final = {"sqlite": _GIVEN_TIME, "postgresql": _SERVER_TIME}
_BEGIN: Final = {dialect: _beginning(now) for dialect, now in _TIMES.items()}
_BEAT: Final = {dialect: _beating(now) for dialect, now in _TIMES.items()}
