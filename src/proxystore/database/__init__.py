"""The one door to databases: everything that talks to a driver is in here."""

from __future__ import annotations

from proxystore.database.backup import backup, pg_dump
from proxystore.database.bulk import Bulk
from proxystore.database.database import Database
from proxystore.database.health import Health
from proxystore.database.listening import Listener
from proxystore.database.rowsets import Rowset
from proxystore.database.scripts import Counted, Script
from proxystore.database.statement import Query, Statement
from proxystore.database.transaction import Transaction
from proxystore.database.upsert import upsert

__all__ = [
    "Bulk",
    "Counted",
    "Database",
    "Health",
    "Listener",
    "Query",
    "Rowset",
    "Script",
    "Statement",
    "Transaction",
    "backup",
    "pg_dump",
    "upsert",
]
