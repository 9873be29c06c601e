"""What was spent of budgets: a roll-up of usage like any other, of keys and projects that have a budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    ScalarSelect,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    update,
)

from proxystore.database import Query, Rowset, Script, Statement, upsert
from proxystore.database.compiling import DialectName
from proxystore.periods import days_of
from proxystore.repositories.limits.keys import KEY, KEY_TYPES, BudgetKey, is_same
from proxystore.schema.limits import budget_windows
from proxystore.schema.usage import ROLLUPS_LOCK, usage_daily, usage_series

_DIALECTS: Final[tuple[DialectName, ...]] = ("sqlite", "postgresql")


class Spent(NamedTuple):
    """What somebody used on a day."""

    owner: str
    day: int
    month: int
    requests: int
    tokens: int
    nanousd: int


def spend(dialect: DialectName, rows: Sequence[Spent]) -> Script[None]:
    """Add to the budgets that owners have, in the order of their keys."""
    yield _SPEND[dialect], {"rows": _SPENT.encoded(dialect, rows)}


def create(dialect: DialectName, keys: Sequence[BudgetKey]) -> Script[None]:
    """Make windows that are not there yet, with what roll-ups say was spent; of tokens they cannot say it."""
    if dialect == "postgresql":
        yield _LOCK, {}  # whoever counts events now would count them past the new window
    yield _CREATE[dialect], {"rows": _WINDOWS.encoded(dialect, [(*key, *days_of(*key[2:])) for key in sorted(keys)])}


def refresh(dialect: DialectName, *, day: int, month: int) -> Script[int]:
    """Set what was spent in windows that are open, or were a day or a month ago, to what roll-ups say.

    Returns:
        How many windows there are; those of owners that no usage is of are left as they are, and so are tokens.
    """
    keys: list[BudgetKey] = yield _OPEN, {"day": day - 1, "month": month - 1}
    if keys:
        rows = [(*key, *days_of(*key[2:])) for key in keys]
        yield _REFRESH[dialect], {"rows": _WINDOWS.encoded(dialect, rows)}
    return len(keys)


_SPENT: Final = Rowset(
    {
        "owner": Text(),
        **dict.fromkeys(("day", "month"), Integer()),
        **dict.fromkeys(("requests", "tokens", "nanousd"), BigInteger()),
    }
)
_WINDOWS: Final = Rowset({**KEY_TYPES, **dict.fromkeys(("first", "last"), Integer())})


def _spending(given: FromClause) -> Statement:
    window = budget_windows.c
    period = case((window.span == "day", given.c.day), (window.span == "month", given.c.month), else_=0)
    amount = case(
        (window.unit == "requests", given.c.requests),
        (window.unit == "tokens", given.c.tokens),
        else_=given.c.nanousd,
    )
    key = tuple(window[name] for name in KEY)
    rows = (
        select(*key, cast(func.sum(amount), BigInteger), literal(0, BigInteger()))
        .join_from(given, budget_windows, and_(window.owner == given.c.owner, window.period == period))
        .where(true())
        .group_by(*key)
        .order_by(*key)
    )
    insert = upsert(budget_windows).from_select([*KEY, "spent", "held"], rows)
    return Statement(
        insert.on_conflict_do_update(index_elements=KEY, set_={"spent": window.spent + insert.excluded.spent})
    )


def _used(source: FromClause) -> ScalarSelect[int]:
    """Return what the roll-ups say of an owner's days; refusals and hits of a cache are free."""
    daily, series = usage_daily.c, usage_series.c
    amount = case(
        (source.c.unit == "requests", daily.requests - daily.refusals - daily.cache_hits),
        (source.c.unit == "nanousd", daily.cost_nanousd),
        else_=0,
    )
    return (
        select(func.coalesce(cast(func.sum(amount), BigInteger), 0))
        .join_from(usage_series, usage_daily, daily.series_id == series.id)
        .where(_is_of(source), daily.day >= source.c.first, daily.day < source.c.last)
        .scalar_subquery()
    )


def _is_of(source: FromClause) -> ColumnElement[bool]:
    return or_(usage_series.c.key_id == source.c.owner, usage_series.c.project_id == source.c.owner)


def _creating(given: FromClause) -> Statement:
    key = tuple(given.c[name] for name in KEY)
    rows = select(*key, _used(given), literal(0, BigInteger())).where(true()).order_by(*key)
    insert = upsert(budget_windows).from_select([*KEY, "spent", "held"], rows)
    return Statement(insert.on_conflict_do_nothing(index_elements=KEY))


def _refreshing(given: FromClause) -> Statement:
    windows = update(budget_windows).where(is_same(budget_windows, given), exists().where(_is_of(given)))
    return Statement(windows.values(spent=_used(given)))


def _key(**columns: Any) -> BudgetKey:
    return (columns["owner"], columns["unit"], columns["span"], columns["period"])


_SPEND: Final = {dialect: _spending(_SPENT.table(dialect)) for dialect in _DIALECTS}
_CREATE: Final = {dialect: _creating(_WINDOWS.table(dialect)) for dialect in _DIALECTS}
_REFRESH: Final = {dialect: _refreshing(_WINDOWS.table(dialect)) for dialect in _DIALECTS}
_LOCK: Final = Query(
    select(func.pg_advisory_xact_lock(literal(ROLLUPS_LOCK, BigInteger())).label("lock")), lambda lock: lock
)
_OPEN: Final = Query(
    select(*(budget_windows.c[name] for name in KEY))
    .where(
        budget_windows.c.unit != "tokens",
        or_(
            budget_windows.c.span == "ever",
            and_(budget_windows.c.span == "day", budget_windows.c.period >= bindparam("day", type_=Integer())),
            and_(budget_windows.c.span == "month", budget_windows.c.period >= bindparam("month", type_=Integer())),
        ),
    )
    .order_by(*(budget_windows.c[name] for name in KEY))
    .with_for_update(),
    _key,
)
