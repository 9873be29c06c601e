"""Who has seen every mutation: what was done goes into the audit chain, in the transaction that does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from proxystore.changes.chain import Chain, entry_now
from proxystore.changes.changes import Change, Touched
from proxystore.records.audit import AuditEntry

_COLUMNS: Final[Mapping[str, str]] = {"project": "project_id", "api_key": "key_id"}


class AuditWitness:
    """Appends an event for each thing that a mutation touched; the mutation fails where that fails."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    async def __call__(self, change: Change) -> None:
        """See `Witness`."""
        await self._chain.append(change.transaction, [_entry(change, item) for item in change.items], are_new=True)


def _entry(change: Change, item: Touched) -> AuditEntry:
    fields: dict[str, Any] = {}
    details = {"aggregate": item.aggregate, **item.details}
    if item.aggregate in _COLUMNS:
        fields[_COLUMNS[item.aggregate]] = item.aggregate_id
    elif item.aggregate_id is not None:
        details["id"] = item.aggregate_id
    project = details.get("project_id")
    if isinstance(project, str) and "project_id" not in fields:
        fields["project_id"] = project
    return entry_now(
        change.action,
        actor=change.actor,
        reason=None if item.is_changed else "unchanged",
        metadata=details,
        **fields,
    )
