"""What is left of limits: windows that slide, budgets that do not, and what of those is promised to which process.

At every grant ``spent + held`` is at most the limit, and ``held`` is the sum of its ``holds``. ``spent`` is a roll-up
of usage like any other. No foreign keys here: an owner may be whatever an authentication plugin says.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, text

from proxystore.schema.metadata import metadata
from proxystore.schema.types import Id

UNITS: Final = ("requests", "tokens", "nanousd")
SPANS: Final = ("day", "month", "ever")

# One row for each owner and unit, not one for each minute.
limit_windows = Table(
    "limit_windows",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("unit", Text, primary_key=True),
    Column("minute", BigInteger, nullable=False),
    Column("current", BigInteger, nullable=False),
    Column("previous", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""What was let through in a minute since 1970 (UTC) and in the one before."""

budget_windows = Table(
    "budget_windows",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("unit", Text, primary_key=True),
    Column("span", Text, primary_key=True),
    Column("period", Integer, primary_key=True, autoincrement=False),
    Column("spent", BigInteger, nullable=False, server_default=text("0")),
    Column("held", BigInteger, nullable=False, server_default=text("0")),
    sqlite_with_rowid=False,
)
"""What was used, and what is promised, in a day or a month since 1970 (UTC), or ever (period 0)."""

holds = Table(
    "holds",
    metadata,
    Column("process_id", Id, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("unit", Text, primary_key=True),
    Column("span", Text, primary_key=True),
    Column("period", Integer, primary_key=True, autoincrement=False),
    Column("amount", BigInteger, nullable=False),
    Index(None, "owner"),
    sqlite_with_rowid=False,
)
"""What of a budget's ``held`` is promised to which process."""

processes = Table(
    "processes",
    metadata,
    Column("process_id", Id, primary_key=True),
    Column("host", Text, nullable=False),
    Column("beat_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Processes that hold something, and when each was last heard of.

In microseconds, of a clock that nobody sets: PostgreSQL's own, and on SQLite, whose processes share a host, the time
since that was started.
"""
