"""Rates: two minutes in one row, of which the earlier counts for as much as a window of sixty seconds still sees of it.

Time is the database's, so that processes agree; on SQLite that is the host's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    update,
)

from proxystore.database import Database, Query, Rowset, Script, Statement, upsert
from proxystore.limits.clock import Clock
from proxystore.schema.limits import limit_windows

MINUTE_MS: Final = 60_000
SHARE: Final = 32
"""Of what is left, one part in so many is given beyond what is asked for right now."""


class RateAsk(NamedTuple):
    """What is wanted of a window: *need* or nothing, and *want* beyond that; what is *owed* is taken in any case."""

    owner: str
    unit: str
    amount: int
    need: int
    want: int
    is_owed: bool


class RateGrant(NamedTuple):
    """What was given, out of what was left, and how the window stood before that."""

    owner: str
    unit: str
    granted: int
    rest: int
    minute: int
    current: int
    previous: int
    left_ms: int


async def grant(database: Database, clock: Clock, asks: Sequence[RateAsk]) -> list[RateGrant]:
    """Take from windows what each of *asks* wants, all in one statement; windows that are not there yet are made."""
    asks = sorted(asks)
    granted = await _grant(database, clock, asks)
    if len(granted) < len(asks):
        known = {(each.owner, each.unit) for each in granted}
        missing = [ask for ask in asks if (ask.owner, ask.unit) not in known]
        rows = [(ask.owner, ask.unit) for ask in missing]
        await database.execute(_CREATE[database.dialect], rows=_KEYS.encoded(database.dialect, rows))
        granted += await _grant(database, clock, missing)
    return granted


async def give_back(database: Database, rows: Sequence[tuple[str, str, int, int]]) -> None:
    """Return what was taken and not used: ``(owner, unit, minute, amount)`` each."""
    encoded = _RETURNS.encoded(database.dialect, sorted(rows))

    def script() -> Script[None]:
        yield _LOCK[database.dialect], {"rows": encoded}
        yield _RETURN[database.dialect], {"rows": encoded}

    await database.perform(script)


async def _grant(database: Database, clock: Clock, asks: Sequence[RateAsk]) -> list[RateGrant]:
    rows = _ASKS.encoded(database.dialect, asks)
    if database.dialect == "postgresql":
        return await database.fetch_all(_GRANT, rows=rows, ahead_ms=clock.ahead_ms)
    return await database.perform(lambda: _script(clock, rows))


def _script(clock: Clock, rows: str) -> Script[list[RateGrant]]:
    now_ms = clock.now_ns() // 1_000_000 + clock.ahead_ms  # asked for once it is our turn
    granted: list[RateGrant] = yield _LOOK, {"rows": rows, "now_ms": now_ms}
    taken = [each[:2] + each[4:7] + each[2:3] for each in granted if each.granted]
    if taken:
        yield _TAKE, {"rows": _TAKEN.encoded("sqlite", taken)}
    return granted


_KEYS: Final = Rowset({"owner": Text(), "unit": Text()})
_ASKS: Final = Rowset(
    {
        "owner": Text(),
        "unit": Text(),
        **dict.fromkeys(("amount", "need", "want"), BigInteger()),
        "is_owed": Boolean(),
    }
)
_TAKEN: Final = Rowset(
    {
        "owner": Text(),
        "unit": Text(),
        **dict.fromkeys(("minute", "current", "previous", "granted"), BigInteger()),
    }
)
_RETURNS: Final = Rowset({"owner": Text(), "unit": Text(), **dict.fromkeys(("minute", "amount"), BigInteger())})


def _number(value: int) -> ColumnElement[int]:
    """Return a number that is part of the statement: a parameter would be sent each time."""
    return literal_column(str(value), BigInteger())


_NOUGHT, _ONE, _MINUTE = _number(0), _number(1), _number(MINUTE_MS)


def _text(value: str) -> ColumnElement[str]:
    return literal_column(f"'{value}'", Text())


def _looked(
    asks: FromClause, windows: FromClause, now_ms: ColumnElement[int], clock: FromClause | None = None
) -> Select[Any]:
    """Return what can be given for each of *asks*, and the two minutes as they are now."""
    minute, into = now_ms // _MINUTE, now_ms % _MINUTE
    # A clock that is a little behind goes by the row's minute; one that was set back makes a new beginning.
    is_ahead = windows.c.minute == minute + _ONE
    rolled = select(
        asks.c.owner,
        asks.c.unit,
        asks.c.amount,
        asks.c.need,
        asks.c.want,
        asks.c.is_owed,
        case((is_ahead, minute + _ONE), else_=minute).label("minute"),
        case((is_ahead, _NOUGHT), else_=into).label("into"),
        case((or_(is_ahead, windows.c.minute == minute), windows.c.current), else_=_NOUGHT).label("current"),
        case(
            (or_(is_ahead, windows.c.minute == minute), windows.c.previous),
            (windows.c.minute == minute - _ONE, windows.c.current),
            else_=_NOUGHT,
        ).label("previous"),
    ).join_from(asks, windows, and_(windows.c.owner == asks.c.owner, windows.c.unit == asks.c.unit))
    if clock is not None:
        rolled = rolled.join(clock, true())
    now = rolled.subquery("now")
    left = _MINUTE - now.c.into  # by parts, for amounts that have no room to be multiplied
    seen = now.c.previous // _MINUTE * left + (now.c.previous % _MINUTE * left + (_MINUTE - _ONE)) // _MINUTE
    rest = select(*now.c, (now.c.amount - now.c.current - seen).label("rest")).subquery("rest")
    spare = _at_least_nought(rest.c.rest) // _number(SHARE)
    generous = rest.c.need + case((rest.c.want < spare, rest.c.want), else_=spare)
    granted = case(
        (rest.c.is_owed, rest.c.need),
        (rest.c.need > rest.c.rest, _NOUGHT),
        (generous > rest.c.rest, rest.c.rest),
        else_=generous,
    )
    return select(
        rest.c.owner,
        rest.c.unit,
        granted.label("granted"),
        rest.c.rest,
        rest.c.minute,
        rest.c.current,
        rest.c.previous,
        (_MINUTE - rest.c.into).label("left_ms"),
    )


def _at_least_nought(value: ColumnElement[int]) -> ColumnElement[int]:
    return case((value < _NOUGHT, _NOUGHT), else_=value)


def _taking(source: FromClause) -> Statement:
    return Statement(
        update(limit_windows)
        .where(limit_windows.c.owner == source.c.owner, limit_windows.c.unit == source.c.unit)
        .values(minute=source.c.minute, current=source.c.current + source.c.granted, previous=source.c.previous)
    )


def _granting() -> Query[RateGrant]:
    """Return the one statement that does it all on PostgreSQL; rows are locked in the order of their keys."""
    asks = select(*_ASKS.table("postgresql").c).cte("asks")
    clock = select(
        (
            cast(func.floor(func.extract("epoch", func.clock_timestamp()) * _number(1000)), BigInteger)
            + bindparam("ahead_ms", type_=BigInteger())
        ).label("ms"),
        # A server that crashes may forgive a moment of a minute: nobody waits for its disk.
        func.set_config(_text("synchronous_commit"), _text("off"), true()).label("set"),
    ).cte("clock")
    key = (limit_windows.c.owner, limit_windows.c.unit)
    locked = (
        select(limit_windows)
        .join(asks, and_(asks.c.owner == key[0], asks.c.unit == key[1]))
        .order_by(*key)
        .with_for_update(of=limit_windows)
        .cte("locked")
    )
    granted = _looked(asks, locked, clock.c.ms, clock).cte("granted")
    taken = (
        update(limit_windows)
        .where(key[0] == granted.c.owner, key[1] == granted.c.unit, granted.c.granted > _NOUGHT)
        .values(minute=granted.c.minute, current=granted.c.current + granted.c.granted, previous=granted.c.previous)
        .cte("taken")
    )
    return Query(select(*granted.c).add_cte(taken), RateGrant)


_GRANT: Final = _granting()
_LOOK: Final = Query(_looked(_ASKS.table("sqlite"), limit_windows, bindparam("now_ms", type_=BigInteger())), RateGrant)
_TAKE: Final = _taking(_TAKEN.table("sqlite"))


def _creating(given: FromClause) -> Statement:
    nought = literal(0, BigInteger())
    rows = select(given.c.owner, given.c.unit, nought, nought, nought).where(literal(1) == 1).order_by(given.c.owner)
    return Statement(
        upsert(limit_windows)
        .from_select(["owner", "unit", "minute", "current", "previous"], rows)
        .on_conflict_do_nothing(index_elements=["owner", "unit"])
    )


def _locking(given: FromClause) -> Query[str]:
    """Return a statement that locks rows in the order of their keys, lest two that return wait for each other."""
    key = (limit_windows.c.owner, limit_windows.c.unit)
    chosen = select(key[0]).join(given, and_(given.c.owner == key[0], given.c.unit == key[1])).order_by(*key)
    return Query(chosen.with_for_update(of=limit_windows), lambda owner: owner)


def _returning(given: FromClause) -> Statement:
    window = limit_windows.c
    rest_now = _at_least_nought(window.current - given.c.amount)
    rest_then = _at_least_nought(window.previous - given.c.amount)
    return Statement(
        update(limit_windows)
        .where(window.owner == given.c.owner, window.unit == given.c.unit)
        .values(
            current=case((window.minute == given.c.minute, rest_now), else_=window.current),
            previous=case((window.minute == given.c.minute + 1, rest_then), else_=window.previous),
        )
    )


_DIALECTS: Final = ("sqlite", "postgresql")
_CREATE: Final = {dialect: _creating(_KEYS.table(dialect)) for dialect in _DIALECTS}
_LOCK: Final = {dialect: _locking(_RETURNS.table(dialect)) for dialect in _DIALECTS}
_RETURN: Final = {dialect: _returning(_RETURNS.table(dialect)) for dialect in _DIALECTS}
