"""Column types that mean the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeDecorator

from proxystore.schema.types import Code, Id, Json, Moment

_DIALECTS = [sqlite.dialect(), postgresql.dialect()]  # type: ignore[no-untyped-call]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def _there_and_back(kind: TypeDecorator[Any], value: object, dialect: Dialect) -> object:
    return kind.process_result_value(kind.process_bind_param(value, dialect), dialect)


@pytest.mark.parametrize("dialect", _DIALECTS, ids=lambda dialect: str(dialect.name))
@given(moment=st.datetimes(timezones=st.just(UTC)), identifier=st.uuids(), document=_JSON)
def test_a_value_comes_back_as_it_went(dialect: Dialect, moment: datetime, identifier: UUID, document: object) -> None:
    assert _there_and_back(Moment(), moment, dialect) == moment
    assert _there_and_back(Id(), identifier, dialect) == identifier
    assert _there_and_back(Json(), document, dialect) == document


@pytest.mark.parametrize("dialect", _DIALECTS, ids=lambda dialect: str(dialect.name))
@pytest.mark.parametrize("kind", [Id(), Moment(), Json(), Code(("a", "b"))], ids=lambda kind: type(kind).__name__)
def test_nothing_comes_back_as_nothing(kind: TypeDecorator[Any], dialect: Dialect) -> None:
    assert kind.process_bind_param(None, dialect) is None
    assert kind.process_result_value(None, dialect) is None


def test_a_moment_is_microseconds_in_utc_whatever_its_zone() -> None:
    moment = datetime(1970, 1, 1, 2, 0, 0, 7, tzinfo=timezone(timedelta(hours=2)))

    assert Moment().process_bind_param(moment, _DIALECTS[0]) == 7


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        Moment().process_bind_param(datetime(2026, 11, 21), _DIALECTS[0])  # noqa: DTZ001


def test_ids_are_sixteen_bytes_on_sqlite_and_native_on_postgresql() -> None:
    identifier = UUID(int=7)

    assert [Id().process_bind_param(identifier, dialect) for dialect in _DIALECTS] == [identifier.bytes, identifier]


def test_a_code_is_its_words_place() -> None:
    code = Code(("complete", "failed"))

    assert code.process_bind_param("failed", _DIALECTS[0]) == 1
    assert code.process_result_value(0, _DIALECTS[0]) == "complete"
    with pytest.raises(ValueError, match="tuple"):
        code.process_bind_param("perhaps", _DIALECTS[0])
