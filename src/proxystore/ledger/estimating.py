"""What requests cost whose processes died before their ends: what they began with, by the price of that time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from proxystore.database import Database
from proxystore.errors import StoreError
from proxystore.ids import milliseconds_of
from proxystore.ledger.entries import UsageEntry
from proxystore.repositories.models import resolution
from proxystore.values import Usage

_NS_PER_MS: Final = 1_000_000
_log: Final = logging.getLogger(__name__)


async def priced(database: Database, entries: Sequence[UsageEntry], *, is_bundled: bool) -> list[UsageEntry]:
    """Return *entries*, those of dead processes with what they cost, where a price is known."""
    if not any(map(_is_open, entries)):
        return list(entries)
    return [await _priced(database, entry, is_bundled=is_bundled) if _is_open(entry) else entry for entry in entries]


def _is_open(entry: UsageEntry) -> bool:
    """Tell whether *entry* is of a request that nobody has ended, and that was promised no money."""
    return (
        entry.outcome == "failed"
        and entry.quality == "estimated"
        and entry.status == 0
        and entry.cost_nanousd is None
        and entry.request_model is not None
    )


async def _priced(database: Database, entry: UsageEntry, *, is_bundled: bool) -> UsageEntry:
    try:
        found = await resolution(
            database, entry.request_model or "", entry.provider_name or None, is_bundled=is_bundled
        )
    except StoreError:
        raise  # it is tried again, like everything the database does not take
    except Exception:  # noqa: BLE001  a price is no reason to keep what is waiting to be written down
        _log.exception("the price of %r could not be looked up", entry.request_model)
        return entry
    model = found.of(entry.key_id, entry.project_id)
    if model is None:
        return entry
    usage = Usage(
        input_tokens=entry.input_tokens,
        output_tokens=entry.output_tokens,
        unclassified_tokens=entry.unclassified_tokens,
        quality="estimated",
    )
    cost = model.tariff.cost(usage, milliseconds_of(entry.event_id) * _NS_PER_MS)
    return msgspec.structs.replace(entry, cost_nanousd=cost.nanousd)
