"""What the tests of the audit trail share: a store's trail, entries, and ways to tamper with it."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import Connection, text

from proxystore import AuditEntry, AuditVerdict, Store
from proxystore.changes import Chain, entry_now
from proxystore.database import Database
from proxystore.migrating import transactions
from proxystore.secrecy import AUDIT_KEY, known_secrets
from proxystore.settings import Settings
from proxystore.settings.url import DatabaseURL


def entry(number: int = 0, **values: Any) -> AuditEntry:
    """Return an entry as a refusal would give it, but for *values*."""
    usual: dict[str, Any] = {
        "outcome": "denied",
        "reason": "budget_exceeded",
        "key_id": f"key_{number % 3}",
        "client_ip": "192.0.2.7",
        "method": "POST",
        "path": "/v1/chat/completions",
        "metadata": {"status": 402, "number": number},
    }
    return entry_now("request", **(usual | values))


async def chain_of(settings: Settings, database: Database) -> Chain:
    """Return the chain as a process with these settings has it."""
    return Chain(await known_secrets(database, AUDIT_KEY, settings.audit_key, settings))


async def append(settings: Settings, *entries: AuditEntry, at_once: int = 50) -> int:
    """Append *entries* as one more process would."""
    new = 0
    async with Database(settings.url) as database:
        chain = await chain_of(settings, database)
        for begin in range(0, len(entries), at_once):
            async with database.transaction() as transaction:
                new += await chain.append(transaction, entries[begin : begin + at_once])
    return new


async def verdict(settings: Settings, **options: Any) -> AuditVerdict:
    """Return what verifying finds."""
    async with Store(settings=settings) as store:
        return await store.audit.verify(**options)


async def tamper(settings: Settings, *statements: str) -> None:
    """Run *statements* behind everybody's back."""

    def work(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    await transactions.write(DatabaseURL.parse(settings.database_url), "proxystore", work, timeout=10)


async def all_at_once(*works: Any) -> list[Any]:
    """Return what *works* return, done side by side."""
    return list(await asyncio.gather(*works))
