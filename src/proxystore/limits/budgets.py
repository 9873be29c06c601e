"""Budgets and totals: at every grant ``spent + held`` is at most the limit; what is held, processes hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, FromClause, Select, bindparam, case, literal, select, true, update

from proxystore.database import Database, Query, Rowset, Script, Statement, upsert
from proxystore.limits.rates import SHARE
from proxystore.repositories.limits import KEY, KEY_TYPES, create, is_same, locked
from proxystore.schema.limits import budget_windows, holds
from proxystore.schema.types import Id


class BudgetAsk(NamedTuple):
    """What is wanted of a window: *need* or nothing, and *want* beyond that."""

    owner: str
    unit: str
    span: str
    period: int
    amount: int
    need: int
    want: int


class BudgetGrant(NamedTuple):
    """What was given, out of what was left; and what was held, which may come back."""

    owner: str
    unit: str
    span: str
    period: int
    granted: int
    rest: int
    held: int


async def grant(database: Database, process_id: UUID, asks: Sequence[BudgetAsk]) -> list[BudgetGrant]:
    """Take holds as *asks* want them, all in one go; windows that are not there yet are made, with what was spent."""
    granted = await _grant(database, process_id, asks)
    if len(granted) < len(asks):
        known = {each[:4] for each in granted}
        missing = [ask for ask in asks if ask[:4] not in known]
        await database.perform(lambda: create(database.dialect, [ask[:4] for ask in missing]))
        granted += await _grant(database, process_id, missing)
    return granted


async def _grant(database: Database, process_id: UUID, asks: Sequence[BudgetAsk]) -> list[BudgetGrant]:
    rows = _ASKS.encoded(database.dialect, asks)
    if database.dialect == "postgresql":
        return await database.fetch_all(_GRANT, rows=rows, process_id=process_id)
    return await database.perform(lambda: _script(process_id, rows))


def _script(process_id: UUID, rows: str) -> Script[list[BudgetGrant]]:
    granted: list[BudgetGrant] = yield _LOOK, {"rows": rows}
    taken = [each[:5] for each in granted if each.granted]
    if taken:
        encoded = _TAKEN.encoded("sqlite", taken)
        yield _TAKE, {"rows": encoded}
        yield _HOLD, {"rows": encoded, "process_id": process_id}
    return granted


_ASKS: Final = Rowset({**KEY_TYPES, **dict.fromkeys(("amount", "need", "want"), BigInteger())})
_TAKEN: Final = Rowset({**KEY_TYPES, "granted": BigInteger()})


def _looked(asks: FromClause, windows: FromClause) -> Select[Any]:
    """Return what can be given for each of *asks*."""
    left = asks.c.amount - windows.c.spent - windows.c.held
    rest = (
        select(*asks.c, left.label("rest"), windows.c.held)
        .join_from(asks, windows, is_same(asks, windows))
        .subquery("rest")
    )
    spare = case((rest.c.rest < 0, 0), else_=rest.c.rest) // literal(SHARE)
    generous = rest.c.need + case((rest.c.want < spare, rest.c.want), else_=spare)
    granted = case((rest.c.need > rest.c.rest, 0), (generous > rest.c.rest, rest.c.rest), else_=generous)
    return select(*(rest.c[name] for name in KEY), granted.label("granted"), rest.c.rest, rest.c.held)


def _holding(source: FromClause) -> Any:
    """Return the statement that adds what was granted to what this process holds."""
    key = tuple(source.c[name] for name in KEY)
    rows = (
        select(bindparam("process_id", type_=Id()), *key, source.c.granted).where(source.c.granted > 0).order_by(*key)
    )
    insert = upsert(holds).from_select(["process_id", *KEY, "amount"], rows)
    more = holds.c.amount + insert.excluded.amount
    return insert.on_conflict_do_update(index_elements=["process_id", *KEY], set_={"amount": more})


def _taking(source: FromClause) -> Any:
    windows = update(budget_windows).where(is_same(budget_windows, source), source.c.granted > 0)
    return windows.values(held=budget_windows.c.held + source.c.granted)


def _granting() -> Query[BudgetGrant]:
    """Return the one statement that does it all on PostgreSQL; rows are locked in the order of their keys."""
    asks = select(*_ASKS.table("postgresql").c).cte("asks")
    granted = _looked(asks, locked(asks).cte("locked")).cte("granted")
    done = (_taking(granted).cte("taken"), _holding(granted).cte("holding"))
    return Query(select(*granted.c).where(true()).add_cte(*done), BudgetGrant)


_GRANT: Final = _granting()
_LOOK: Final = Query(_looked(_ASKS.table("sqlite"), budget_windows), BudgetGrant)
_TAKE: Final = Statement(_taking(_TAKEN.table("sqlite")))
_HOLD: Final = Statement(_holding(_TAKEN.table("sqlite")))
