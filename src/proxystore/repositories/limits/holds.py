"""What processes hold of budgets, and how it comes back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, FromClause, bindparam, case, delete, exists, or_, select, update

from proxystore.database import Counted, Query, Rowset, Script, Statement
from proxystore.database.compiling import DialectName
from proxystore.repositories.limits.keys import KEY, KEY_TYPES, is_same, locked
from proxystore.schema.limits import budget_windows, holds, processes
from proxystore.schema.types import Id

_AMOUNTS: Final = Rowset({**KEY_TYPES, "amount": BigInteger()})


def give_back(dialect: DialectName, process_id: UUID, rows: Sequence[tuple[Any, ...]]) -> Script[None]:
    """Let go of what a process holds: rows of owner, unit, span, period, amount; of each no more than is there."""
    encoded = _AMOUNTS.encoded(dialect, sorted(rows))
    yield _LOCK[dialect], {"rows": encoded}
    taken: list[tuple[Any, ...]] = yield _HELD[dialect], {"rows": encoded, "process_id": process_id}
    if taken:
        encoded = _AMOUNTS.encoded(dialect, taken)
        yield _UNHOLD[dialect], {"rows": encoded}
        yield _SHRINK[dialect], {"rows": encoded, "process": process_id}
        yield _REMOVE, {"process": process_id}


def release(dialect: DialectName, process_ids: Sequence[UUID]) -> Script[int]:
    """Let go of all that processes hold, and forget them; return how many budgets got something back.

    However many they are, those that hold nothing cost nothing more: a journal's writer names every process of which
    it finds a segment when it starts.
    """
    if not process_ids:
        return 0
    yield _FORGET, {"processes": list(process_ids)}
    held: list[tuple[Any, ...]] = yield _ALL, {"processes": list(process_ids)}
    if held:
        budgets = sorted({(*key, 0) for _, *key, _ in held})  # all in order, whoever else gives some of them back
        yield _LOCK[dialect], {"rows": _AMOUNTS.encoded(dialect, budgets)}
    for process_id, rows in groupby(sorted(held), itemgetter(0)):
        yield from give_back(dialect, process_id, [row[1:] for row in rows])
    return len(held)


def bury(dialect: DialectName, spared: UUID, now: int, patience: int) -> Script[int]:
    """Let go of what processes hold, but for *spared*, that have not been heard of for *patience* microseconds.

    Those from whose time the clock has been set back, as it is when a host starts anew, are among them. One that is
    heard of in this very moment keeps what it holds, or waits and is told that it holds nothing. Of the others that
    have not been heard of for as long nothing is left behind.

    Returns:
        How many there were.
    """
    found: list[tuple[UUID, int | None]] = yield _DEAD, {"since": now - patience, "until": now + patience}
    count = 0
    for process_id, beat_at in sorted(found):
        if process_id == spared:
            continue
        if beat_at is not None:
            (is_gone,) = yield _FORGET_SILENT, Counted({"process": process_id, "beat_at": beat_at})
            if not is_gone:
                continue
        yield from release(dialect, [process_id])
        count += 1
    yield _SWEEP, {"since": now - patience, "until": now + patience}
    return count


def _held(given: FromClause) -> Query[tuple[Any, ...]]:
    least = case((holds.c.amount < given.c.amount, holds.c.amount), else_=given.c.amount).label("amount")
    chosen = select(*(holds.c[name] for name in KEY), least).join_from(given, holds, is_same(holds, given))
    mine = holds.c.process_id == bindparam("process_id", type_=Id())
    return Query(chosen.where(mine, holds.c.amount > 0), _row)


def _unhold(given: FromClause) -> Statement:
    less = budget_windows.c.held - given.c.amount
    return Statement(update(budget_windows).where(is_same(budget_windows, given)).values(held=less))


def _shrink(given: FromClause) -> Statement:
    mine = holds.c.process_id == bindparam("process", type_=Id())
    return Statement(update(holds).where(is_same(holds, given), mine).values(amount=holds.c.amount - given.c.amount))


def _row(**columns: object) -> tuple[Any, ...]:
    return tuple(columns.values())


_TABLES: Final = {dialect: _AMOUNTS.table(dialect) for dialect in ("sqlite", "postgresql")}
_LOCK: Final = {name: Query(locked(given), lambda **_: None) for name, given in _TABLES.items()}
_HELD: Final = {name: _held(given) for name, given in _TABLES.items()}
_UNHOLD: Final = {name: _unhold(given) for name, given in _TABLES.items()}
_SHRINK: Final = {name: _shrink(given) for name, given in _TABLES.items()}
_REMOVE: Final = Statement(
    delete(holds).where(holds.c.process_id == bindparam("process", type_=Id()), holds.c.amount <= 0)
)
_ALL: Final = Query(
    select(holds.c.process_id, *(holds.c[name] for name in KEY), holds.c.amount).where(
        holds.c.process_id.in_(bindparam("processes", expanding=True))
    ),
    _row,
)
_FORGET: Final = Statement(delete(processes).where(processes.c.process_id.in_(bindparam("processes", expanding=True))))
_FORGET_SILENT: Final = Statement(
    delete(processes).where(
        processes.c.process_id == bindparam("process", type_=Id()),
        processes.c.beat_at == bindparam("beat_at", type_=BigInteger()),
    )
)
_SILENT: Final = or_(
    processes.c.beat_at < bindparam("since", type_=BigInteger()),
    processes.c.beat_at > bindparam("until", type_=BigInteger()),
)
_SWEEP: Final = Statement(
    delete(processes).where(_SILENT, ~exists().where(holds.c.process_id == processes.c.process_id))
)
_DEAD: Final = Query(
    select(holds.c.process_id, processes.c.beat_at)
    .join(processes, processes.c.process_id == holds.c.process_id, isouter=True)
    .where(or_(processes.c.process_id.is_(None), _SILENT))
    .distinct(),
    _row,
)
