"""What is written comes back, the same from both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import bindparam, delete, func, insert, literal, select, text, update

from proxystore.database import Query, Statement, upsert
from tests.database.library import (
    ADD_AUTHOR,
    ADD_BOOK,
    ADD_COUNTER,
    FIND_BOOK,
    SET_COUNTER,
    Book,
    Counter,
    authors,
    book,
    books,
    count,
    counters,
    library,
)


async def test_every_type_comes_back_as_it_went(database_url: str) -> None:
    author = uuid4()
    values = book(
        author_id=author,
        title="Ünïcode 本 %s $1 :x ? 'quoted'",
        pages=2**31 - 1,
        edition=-(2**15),
        sold=2**63 - 1,
        is_read=False,
        written_at=datetime(2026, 11, 20, 12, 30, 45, 123456, tzinfo=UTC),
        notes={"list": [1, 2.5, None, True], "text": "with \x00 inside", "empty": {}},
        kind="poem",
        digest=bytes(range(256)),
    )

    async with library(database_url) as database:
        await database.execute(ADD_AUTHOR, id=author, name="Jane")
        await database.execute(ADD_BOOK, **values)
        found = await database.fetch_one(FIND_BOOK, book_id=values["id"])

    assert found == Book(**values)
    assert found.is_read is False
    assert found.written_at is not None
    assert found.written_at.tzinfo is UTC


async def test_json_is_decoded_in_a_plain_dict_too(database_url: str) -> None:
    as_dict: Query[dict[str, Any]] = Query(select(books.c.title, books.c.notes), dict)

    async with library(database_url) as database:
        await database.execute(ADD_BOOK, **book(notes={"a": [1]}))

        assert await database.fetch_all(as_dict) == [{"title": "Emma", "notes": {"a": [1]}}]


async def test_nothing_comes_back_as_none(database_url: str) -> None:
    values = book(written_at=None)

    async with library(database_url) as database:
        await database.execute(ADD_BOOK, **values)

        assert await database.fetch_one(FIND_BOOK, book_id=values["id"]) == Book(**values)
        assert await database.fetch_one(FIND_BOOK, book_id=uuid4()) is None


async def test_a_percent_sign_in_sql_is_a_percent_sign(database_url: str) -> None:
    starts: Query[dict[str, Any]] = Query(select(books.c.title).where(books.c.title.like("Em%")), dict)
    raw: Query[dict[str, Any]] = Query(text("SELECT 7 % 4 AS rest, 'a%b' LIKE 'a%' AS fits").columns(), dict)
    modulo: Query[dict[str, Any]] = Query(select((literal(7) % literal(4)).label("rest")), dict)

    async with library(database_url) as database:
        await database.execute(ADD_BOOK, **book())

        assert await database.fetch_all(starts) == [{"title": "Emma"}]
        assert await database.fetch_all(modulo) == [{"rest": 3}]
        assert await database.execute(raw) >= 0


async def test_row_counts_are_true(database_url: str) -> None:
    drop = Statement(delete(books).where(books.c.title == bindparam("wanted")))
    read_all = Statement(update(books).values(is_read=True))
    ignoring = Statement(upsert(counters).on_conflict_do_nothing(index_elements=["name"]))

    async with library(database_url) as database:
        for title in ("Emma", "Emma", "Persuasion"):
            assert await database.execute(ADD_BOOK, **book(title=title)) == 1
        assert await database.execute(read_all) == 3
        assert await database.execute(drop, wanted="Emma") == 2
        assert await database.execute(drop, wanted="Emma") == 0
        assert await database.execute(ignoring, name="n", value=9) == 0
        async with database.transaction() as transaction:
            assert await transaction.execute(drop, wanted="Persuasion") == 1
            assert await transaction.execute_many(ADD_COUNTER, [{"name": name, "value": 1} for name in "abc"]) == 3
            new_and_old = [{"name": name, "value": 2} for name in "bcde"]
            assert await transaction.execute_many(ignoring, new_and_old) == 2
            assert await transaction.execute_many(ADD_COUNTER, []) == 0


async def test_rows_are_returned_by_what_writes(database_url: str) -> None:
    returning = update(counters).values(value=counters.c.value + bindparam("step")).returning(counters)
    add = Query(returning, Counter)

    async with library(database_url) as database:
        assert await database.fetch_one(add, step=5) == Counter("n", 5)
        assert await database.execute(add, step=1) == 1
        async with database.transaction() as transaction:
            assert await transaction.fetch_all(add, step=1) == [Counter("n", 7)]
            assert await transaction.execute_many(add, [{"step": 1}, {"step": 2}]) == 2
        assert await count(database) == 10


async def test_an_upsert_inserts_or_updates(database_url: str) -> None:
    statement = upsert(counters)
    bump = Statement(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"value": counters.c.value + statement.excluded.value}
        )
    )

    async with library(database_url) as database:
        assert await database.execute(bump, name="n", value=5) == 1
        assert await database.execute(bump, name="n", value=6) == 1
        assert await count(database) == 11


async def test_a_list_of_values_may_have_any_length(database_url: str) -> None:
    among = Query(
        select(books).where(books.c.id.in_(bindparam("ids", expanding=True))).order_by(books.c.title).limit(literal(5)),
        Book,
    )
    emma, persuasion = book(), book(title="Persuasion")

    async with library(database_url) as database:
        for values in (emma, persuasion, book(title="Lady Susan")):
            await database.execute(ADD_BOOK, **values)
        found = await database.fetch_all(among, ids=[persuasion["id"], emma["id"]])

        assert found == [Book(**emma), Book(**persuasion)]
        assert await database.fetch_all(among, ids=[]) == []


async def test_aggregates_are_named_and_whole(database_url: str) -> None:
    pages, sold = func.sum(books.c.pages).label("pages"), func.sum(books.c.sold).label("sold")
    total: Query[dict[str, Any]] = Query(select(func.count().label("n"), pages, sold), dict)

    async with library(database_url) as database:
        for _ in range(2):
            await database.execute(ADD_BOOK, **book(pages=2**31 - 1, sold=2**40))
        found = await database.fetch_one(total)

    assert found == {"n": 2, "pages": 2**32 - 2, "sold": 2**41}
    assert found is not None
    assert type(found["sold"]) is int


async def test_a_value_too_few_or_too_many_is_a_mistake(database_url: str) -> None:
    async with library(database_url) as database:
        with pytest.raises(TypeError, match="no value for new_value"):
            await database.execute(SET_COUNTER, counter="n")
        with pytest.raises(TypeError, match="no parameter named colour"):
            await database.execute(SET_COUNTER, counter="n", new_value=1, colour="red")


def test_names_are_qualified_with_the_schema_on_postgresql_alone() -> None:
    statement = Statement(select(authors.c.name).where(authors.c.name == bindparam("wanted")))

    assert " ".join(statement.compiled("postgresql", "tenant").sql.split()) == (
        "SELECT tenant.authors.name FROM tenant.authors WHERE tenant.authors.name = $1::VARCHAR"
    )
    assert " ".join(statement.compiled("sqlite", "tenant").sql.split()) == (
        "SELECT authors.name FROM authors WHERE authors.name = ?"
    )


def test_a_statement_is_compiled_once_for_a_dialect_and_schema() -> None:
    statement = Statement(insert(authors))

    assert statement.compiled("sqlite", "a") is statement.compiled("sqlite", "a")
    assert statement.compiled("postgresql", "a") is not statement.compiled("postgresql", "b")
