"""Many rows as one parameter: JSON, which either database takes apart; one call however many there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import compress
from typing import Any, Final

import msgspec
from sqlalchemy import FromClause, bindparam, cast, column, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.types import Text, TypeEngine

from proxystore.database.compiling import DialectName

_encode: Final = msgspec.json.Encoder().encode


class Rowset:
    """Rows of the same columns, to be joined with tables.

    Args:
        types: The columns and their types; texts and numbers alone, for JSON has nothing else in common.
        parameter: The name of the parameter that carries them.
    """

    def __init__(self, types: Mapping[str, TypeEngine[Any]], parameter: str = "rows") -> None:
        self._types = dict(types)
        self._parameter = parameter

    def table(self, dialect: DialectName) -> FromClause:
        """Return the table that *dialect* makes of `encoded` rows."""
        return self._objects() if dialect == "postgresql" else self._arrays()

    def encoded(
        self, dialect: DialectName, rows: Iterable[tuple[Any, ...]], *, without: Collection[str] = frozenset()
    ) -> str:
        """Return *rows* as the parameter that carries them.

        Args:
            dialect: Which of the two takes them apart.
            rows: Values in the order of the columns.
            without: Columns that may be left out since they have nothing to say, and become ``NULL``.
        """
        if dialect == "sqlite":
            return _encode(list(rows)).decode()
        names = tuple(self._types)
        if without:
            chosen = [name not in without for name in names]
            names, rows = tuple(compress(names, chosen)), (tuple(compress(row, chosen)) for row in rows)
        return _encode([dict(zip(names, row, strict=True)) for row in rows]).decode()

    def _arrays(self) -> FromClause:
        each = func.json_each(bindparam(self._parameter, type_=Text())).table_valued("value", name="each")
        values = (
            func.json_extract(each.c.value, literal_column(f"'$[{place}]'"), type_=kind).label(name)
            for place, (name, kind) in enumerate(self._types.items())
        )
        return select(*values).subquery("given")

    def _objects(self) -> FromClause:
        columns = (column(name, kind) for name, kind in self._types.items())
        recordset = func.json_to_recordset(cast(bindparam(self._parameter, type_=Text()), JSON))
        return recordset.table_valued(*columns).render_derived(name="given", with_types=True)
