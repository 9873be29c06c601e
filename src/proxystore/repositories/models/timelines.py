"""Writing down how a model's prices have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from proxystore.database import Statement
from proxystore.ids import uuid7
from proxystore.pricing import Price
from proxystore.repositories.models.rows import DELETE_PRICE, END_PRICE, INSERT_PRICE, price_row


class Writing(Protocol):
    """What a transaction offers."""

    async def execute_many(self, statement: Statement, rows: Sequence[Mapping[str, object]], /) -> Any:
        """Run *statement* for each of *rows*."""


class Timelines:
    """What has changed in the prices of some models: collected, then written at once."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._new: list[Mapping[str, object]] = []
        self._ended: list[Mapping[str, object]] = []
        self._gone: list[Mapping[str, object]] = []

    def change(self, model_id: UUID, before: Sequence[Price], after: Sequence[Price]) -> bool:
        """Take note that a model's prices were *before* and are to be *after*; return whether that is a difference."""
        known = {price.id: price for price in before}
        kept = {price.id for price in after if price.id is not None}
        changes = 0
        for price in after:
            if price.id is None:
                self._new.append(price_row(price, id=uuid7(), model_id=model_id, created_at=self._now))
                changes += 1
            elif price.valid_until != known[price.id].valid_until:
                self._ended.append({"price_id": price.id, "until": price.valid_until})
                changes += 1
        for price_id in known.keys() - kept:
            self._gone.append({"price_id": price_id})
            changes += 1
        return changes > 0

    async def write(self, change: Writing) -> None:
        """Write everything down."""
        if self._gone:
            await change.execute_many(DELETE_PRICE, self._gone)
        if self._ended:
            await change.execute_many(END_PRICE, self._ended)
        if self._new:
            await change.execute_many(INSERT_PRICE, self._new)
