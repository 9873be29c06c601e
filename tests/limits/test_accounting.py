"""Whatever happens, in whatever order: what is held is what processes hold, and no grant passes a limit."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, func, select

from proxystore.database import Counted, Database, Query
from proxystore.limits import budgets
from proxystore.limits.budgets import BudgetAsk
from proxystore.limits.clock import Clock
from proxystore.limits.tenure import Tenure, Timing
from proxystore.repositories.limits import Spent, bury, give_back, release, spend
from proxystore.schema.limits import budget_windows, holds
from proxystore.settings.url import DatabaseURL

_PROCESSES = [uuid4() for _ in range(3)]
_process = st.sampled_from(range(3))
_amount = st.integers(0, 60)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("grant"), _process, _amount, _amount),
        st.tuples(st.just("settle"), _process, _amount, _amount),
        st.tuples(st.just("give back"), _process, _amount, st.just(0)),
        st.tuples(st.just("die"), _process, st.just(0), st.just(0)),
        st.tuples(st.just("change"), _process, st.integers(0, 200), st.just(0)),
    ),
    max_size=25,
)
_LOOK = Query(
    select(
        budget_windows.c.spent,
        budget_windows.c.held,
        func.coalesce(
            select(func.sum(holds.c.amount)).where(holds.c.owner == bindparam("owner")).scalar_subquery(), 0
        ).label("promised"),
    ).where(budget_windows.c.owner == bindparam("owner")),
    lambda spent, held, promised: (spent, held, int(promised)),
)


class _Books:
    """A budget, and what ought to be in it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owner = f"key_{uuid4().hex}"
        self._amount = 100
        self._held: defaultdict[int, int] = defaultdict(int)
        self._spent = 0

    async def step(self, what: str, process: int, first: int, second: int) -> None:
        before = await self._look()
        await getattr(self, f"_{what.replace(' ', '_')}")(process, first, second)
        spent, held, promised = await self._look()
        assert held == promised == sum(self._held.values())
        assert spent == self._spent
        if what == "grant" and held > before[1]:
            assert spent + held <= self._amount

    async def _look(self) -> tuple[int, int, int]:
        return await self._database.fetch_one(_LOOK, owner=self._owner) or (0, 0, 0)

    async def _grant(self, process: int, need: int, want: int) -> None:
        ask = BudgetAsk(self._owner, "tokens", "ever", 0, self._amount, need, want)
        ((*_, granted, rest, _held),) = await budgets.grant(self._database, _PROCESSES[process], [ask])
        assert rest == self._amount - self._spent - sum(self._held.values())
        assert granted == 0 or need <= granted <= min(rest, need + want)
        assert granted or need > rest or not rest or not need
        self._held[process] += granted

    async def _settle(self, process: int, reserved: int, used: int) -> None:
        """As the ledger does it."""
        taken = min(reserved, used, self._held[process])
        async with self._database.transaction() as transaction:
            await transaction.perform(spend(self._database.dialect, [Spent(self._owner, 0, 0, 1, used, 0)]))
            await transaction.perform(self._returning(process, min(reserved, used)))
        if await self._look() != (0, 0, 0) or self._spent:
            self._spent += used
        self._held[process] -= taken

    async def _give_back(self, process: int, amount: int, _: int) -> None:
        await self._database.perform(lambda: self._returning(process, amount))
        self._held[process] -= min(amount, self._held[process])

    async def _die(self, process: int, *_: int) -> None:
        await self._database.perform(lambda: release(self._database.dialect, [_PROCESSES[process]]))
        self._held[process] = 0

    async def _change(self, _process: int, amount: int, _: int) -> None:
        self._amount = amount

    def _returning(self, process: int, amount: int) -> Any:
        rows = [(self._owner, "tokens", "ever", 0, amount)]
        return give_back(self._database.dialect, _PROCESSES[process], rows)


@pytest.fixture(name="run")
def _run(migrated_url: str) -> Any:
    """Run coroutines in one event loop, with the database open."""
    with asyncio.Runner() as runner:
        database = Database(DatabaseURL.parse(migrated_url))
        runner.run(database.open())
        yield lambda work: runner.run(work(database))
        runner.run(database.close())


def test_who_is_heard_of_while_it_is_given_up_keeps_what_it_holds(
    run: Callable[[Callable[[Database], Coroutine[Any, Any, None]]], None],
) -> None:
    process, owner = uuid4(), f"key_{uuid4().hex}"

    async def work(database: Database) -> None:
        tenure = Tenure(database, Clock(), Timing(), process, "here")
        assert not await tenure.beat()
        await budgets.grant(database, process, [BudgetAsk(owner, "tokens", "ever", 0, 100, 10, 0)])
        burying = bury(database.dialect, uuid4(), 0, 0)
        next(burying)
        statement, values = burying.send([(process, 1)])  # as it was heard of before
        assert isinstance(values, Counted)
        assert await database.execute(statement, **values.values) == 0
        burying.send([0])  # and what is empty is swept up
        with pytest.raises(StopIteration) as end:
            next(burying)
        assert end.value.value == 0
        assert await tenure.beat()
        await database.perform(lambda: release(database.dialect, [process]))
        assert await database.fetch_one(_LOOK, owner=owner) == (0, 0, 0)
        assert not await tenure.beat()

    run(work)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_the_books_balance(
    run: Callable[[Callable[[Database], Coroutine[Any, Any, None]]], None], steps: list[tuple[str, int, int, int]]
) -> None:
    async def work(database: Database) -> None:
        books = _Books(database)
        await books.step("grant", 0, 1, 0)
        for step in steps:
            await books.step(*step)

    run(work)


def test_however_many_processes_hold_nothing_they_are_forgotten_in_two_statements() -> None:
    """Every segment that a writer finds when it starts is of one, and on SQLite others wait meanwhile."""
    steps = release("sqlite", [uuid4() for _ in range(256)])
    next(steps)
    steps.send([])

    with pytest.raises(StopIteration):
        steps.send([])


def test_all_that_the_dead_hold_is_locked_in_order_before_any_of_it_comes_back() -> None:
    rows = [(process, f"key_{9 - number}", "tokens", "ever", 0, 5) for number, process in enumerate(sorted(_PROCESSES))]
    steps = release("postgresql", _PROCESSES)
    next(steps)
    steps.send([])
    _, values = steps.send(rows)

    locked = [row["owner"] for row in json.loads(str(values["rows"]))]
    assert locked == ["key_7", "key_8", "key_9"]
