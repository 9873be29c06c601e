"""Several statements in one go."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text, bindparam, func, insert, select, update
from sqlalchemy.schema import CreateTable

from proxystore.database import Bulk, Counted, Database, Query, Rowset, Script, Statement
from proxystore.errors import InvalidRecord
from proxystore.schema.limits import limit_windows
from proxystore.settings.url import DatabaseURL

_ROWS = Rowset({"owner": Text(), "amount": BigInteger()})
_ADD = {
    dialect: Statement(
        insert(limit_windows).from_select(
            ["owner", "unit", "minute", "current", "previous"],
            select(given.c.owner, bindparam("unit", type_=Text()), 0, given.c.amount, 0),
        )
    )
    for dialect in ("sqlite", "postgresql")
    for given in (_ROWS.table(dialect),)
}
_FIND = Query(
    select(limit_windows.c.current).where(limit_windows.c.owner == bindparam("owner")).with_for_update(),
    lambda current: current,
)
_SET = Statement(
    update(limit_windows).where(limit_windows.c.owner == bindparam("whose")).values(current=bindparam("current"))
)


@pytest.fixture(name="url")
def _url(migrated_url: str) -> DatabaseURL:
    return DatabaseURL.parse(migrated_url)


async def _fill(database: Database) -> None:
    rows = _ROWS.encoded(database.dialect, [("ada", 1), ("bob", 2)])
    await database.execute(_ADD[database.dialect], rows=rows, unit="requests")


def _double(owner: str) -> Script[int]:
    (current,) = yield _FIND, {"owner": owner}
    yield _SET, {"whose": owner, "current": 2 * current}
    (current,) = yield _FIND, {"owner": owner}
    return int(current)


async def test_a_script_makes_statements_of_what_the_ones_before_returned(url: DatabaseURL) -> None:
    async with Database(url) as database:
        await _fill(database)
        assert await database.perform(lambda: _double("bob")) == 4
        async with database.transaction() as transaction:
            assert await transaction.perform(_double("bob")) == 8
        assert await database.fetch_all(_FIND, owner="ada") == [1]


async def test_a_script_that_fails_has_done_nothing_and_the_connection_serves_on(url: DatabaseURL) -> None:
    def failing() -> Script[None]:
        yield _SET, {"whose": "ada", "current": 7}
        yield _SET, {"whose": "ada", "current": None}

    async with Database(url) as database:
        await _fill(database)
        for _ in range(30):
            with pytest.raises(InvalidRecord):
                await database.perform(failing)
        assert await database.fetch_all(_FIND, owner="ada") == [1]


async def test_scripts_that_read_and_write_wait_for_each_other(url: DatabaseURL) -> None:
    async with Database(url) as database:
        await _fill(database)
        await asyncio.gather(*(database.perform(lambda: _double("ada")) for _ in range(10)))
        assert await database.fetch_all(_FIND, owner="ada") == [2**10]


async def test_a_script_is_told_how_many_rows_were_touched(url: DatabaseURL) -> None:
    def script() -> Script[list[int]]:
        (ada,) = yield _SET, Counted({"whose": "ada", "current": 7})
        (nobody,) = yield _SET, Counted({"whose": "nobody", "current": 8})
        return [ada, nobody]

    async with Database(url) as database:
        await _fill(database)
        assert await database.perform(script) == [1, 0]
        async with database.transaction() as transaction:
            assert await transaction.perform(script()) == [1, 0]
        assert await database.fetch_all(_FIND, owner="ada") == [7]


@pytest.mark.parametrize("count", [1, 50, 120])
async def test_a_table_is_filled_many_rows_at_a_time(tmp_path: Path, count: int) -> None:
    table = Table("heap", MetaData(), Column("number", Integer()), Column("word", Text()), prefixes=["TEMPORARY"])
    found = Query(
        select(func.count().label("rows"), func.sum(table.c.number).label("total")), lambda rows, total: (rows, total)
    )

    def script() -> Script[tuple[int, int]]:
        yield Statement(CreateTable(table)), {}
        yield Bulk(table), [(number, "word") for number in range(count)]
        (sums,) = yield found, {}
        return tuple(sums)

    async with Database(DatabaseURL.parse(f"sqlite:///{tmp_path}/mine.db")) as database:
        assert await database.perform(script) == (count, sum(range(count)))


async def test_a_table_is_filled_over_rows_that_are_there(tmp_path: Path) -> None:
    keyed = Table(
        "keyed", MetaData(), Column("n", Integer(), primary_key=True), Column("word", Text()), Column("no", Text())
    )
    words = Query(select(keyed), lambda n, word, no: (n, word, no))

    def script() -> Script[list[tuple[int, str, None]]]:
        yield Statement(CreateTable(keyed)), {}
        bulk = Bulk(keyed, ["n", "word"], key=["n"])
        yield bulk, [(1, "old"), (2, "old")]
        yield bulk, [(2, "new"), (3, "new")]
        return (yield words, {})

    async with Database(DatabaseURL.parse(f"sqlite:///{tmp_path}/mine.db")) as database:
        assert await database.perform(script) == [(1, "old", None), (2, "new", None), (3, "new", None)]
