"""Which model is meant by names of a pattern."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from proxystore.changes import Changes
from proxystore.database import Database, Query, Statement
from proxystore.errors import InvalidRecord, RemapRuleNotFound
from proxystore.ids import uuid7
from proxystore.records.models import RemapRule
from proxystore.schema import remap_rules

_MODEL: Final = "model"


def _rule_of(client: str, **row: Any) -> RemapRule:
    return RemapRule(client=client or None, **row)


LIST: Final = Query(select(remap_rules).order_by(remap_rules.c.priority.desc(), remap_rules.c.id), _rule_of)
_FIND: Final = Query(select(remap_rules).where(remap_rules.c.id == bindparam("rule_id")), _rule_of)
_INSERT: Final = Statement(
    insert(remap_rules).values({column.name: bindparam(column.name) for column in remap_rules.c})
)
_ENABLE: Final = Statement(
    update(remap_rules)
    .where(remap_rules.c.id == bindparam("rule_id"))
    .values(is_enabled=bindparam("is_enabled"), updated_at=bindparam("updated_at"))
)
_DELETE: Final = Statement(delete(remap_rules).where(remap_rules.c.id == bindparam("rule_id")))


class RuleRepository:
    """Rules of the form "names like ``team-*`` mean ``gpt-4o``"; of those that fit, the highest priority wins."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    async def list(self) -> list[RemapRule]:
        """Return every rule, in the order in which they are asked: the highest priority first, then the oldest."""
        return await self._database.fetch_all(LIST)

    async def create(
        self, pattern: str, to_model: str, *, priority: int = 0, client: str | None = None, actor: str | None = None
    ) -> RemapRule:
        """Add a rule.

        Args:
            pattern: ``*`` stands for anything, ``?`` for one character.
            to_model: What is meant; resolved like any name, but by no further alias or rule.
            priority: Of several that fit, the highest wins.
            client: The id of the key, or of the project, for which alone it holds.
            actor: Who does it.
        """
        if not pattern or not to_model:
            raise InvalidRecord("A rule has a pattern, and a model that is meant.")
        now, rule_id = datetime.now(UTC), uuid7()
        async with self._changes.begin(_MODEL, action="model.remap", actor=actor) as change:
            values: dict[str, Any] = {"pattern": pattern, "to_model": to_model, "priority": priority}
            times = {"created_at": now, "updated_at": now}
            await change.execute(_INSERT, id=rule_id, client=client or "", is_enabled=True, **values, **times)
            change.touched(None, **values, client=client)
        return await self.get(rule_id)

    async def get(self, rule_id: UUID) -> RemapRule:
        """Return the rule with this id.

        Raises:
            RemapRuleNotFound: There is none.
        """
        found = await self._database.fetch_one(_FIND, rule_id=rule_id)
        if found is None:
            raise RemapRuleNotFound
        return found

    async def enable(self, rule_id: UUID, *, is_enabled: bool, actor: str | None = None) -> RemapRule:
        """Let a rule hold, or not.

        Raises:
            RemapRuleNotFound: There is none with this id.
        """
        async with self._changes.begin(_MODEL, action="model.remap", actor=actor) as change:
            values = {"is_enabled": is_enabled, "updated_at": datetime.now(UTC)}
            if not await change.execute(_ENABLE, rule_id=rule_id, **values):
                raise RemapRuleNotFound
            change.touched(None, is_enabled=is_enabled)
        return await self.get(rule_id)

    async def delete(self, rule_id: UUID, *, actor: str | None = None) -> None:
        """Remove a rule.

        Raises:
            RemapRuleNotFound: There is none with this id.
        """
        async with self._changes.begin(_MODEL, action="model.unmap", actor=actor) as change:
            if not await change.execute(_DELETE, rule_id=rule_id):
                raise RemapRuleNotFound
            change.touched(None)
