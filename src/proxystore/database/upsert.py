"""INSERT .. ON CONFLICT, which Core has per dialect only."""

from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import Insert, insert


def upsert(table: Table) -> Insert:
    """Return an INSERT into *table* that may say ``on_conflict_do_update`` or ``on_conflict_do_nothing``.

    It is PostgreSQL's; SQLite's compiler reads it as its own, for the two agree in all that names columns
    (``index_elements``, ``set_``, ``where``, ``excluded``). To name a constraint is PostgreSQL's alone: do not.
    """
    return insert(table)
