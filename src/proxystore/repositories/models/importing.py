"""Taking over what a list says: compared with what there is, and only the differences written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from sqlalchemy import bindparam, select, update

from proxystore.changes import Change
from proxystore.database import Query, Statement
from proxystore.errors import InvalidRecord
from proxystore.ids import uuid7
from proxystore.pricelists import Listing
from proxystore.pricing import Price, relisted
from proxystore.records.models import MANUAL, ImportResult, Model
from proxystore.repositories.models import rows
from proxystore.repositories.models.owners import INSERT_PROVIDER, new_provider
from proxystore.repositories.models.timelines import Timelines
from proxystore.schema import models, providers

Told: TypeAlias = Callable[[int], None]

_STEP: Final = 100
_KEPT: Final = ("provider_id", "source", "retired_at", "updated_at", *rows.FIELDS)
_UPDATE: Final = Statement(
    update(models).where(models.c.id == bindparam("model_id")).values({name: bindparam(name) for name in _KEPT})
)
_RETIRE: Final = Statement(
    update(models)
    .where(models.c.id == bindparam("model_id"))
    .values(retired_at=bindparam("now"), updated_at=bindparam("now"))
)
_PROVIDERS: Final = Query(select(providers.c.name, providers.c.id), lambda name, id: (name, id))  # noqa: A006


async def import_listings(
    change: Change, listings: Sequence[Listing], source: str, *, is_forced: bool, told: Told | None
) -> ImportResult:
    """Take over *listings*.

    Raises:
        InvalidRecord: More than half of the models that came from *source* are gone.
    """
    known = {model.name: model for model in await change.fetch_all(rows.EVERYTHING)}
    gone = _gone(known.values(), listings, source, is_forced=is_forced)
    prices: dict[UUID, list[Price]] = {}
    for model_id, price in await change.fetch_all(rows.ALL_PRICES):
        prices.setdefault(model_id, []).append(price)
    comparison = _Comparison(source, await _owners(change, listings, source))
    for place, listing in enumerate(listings, 1):
        model = known.get(listing.name)
        comparison.take(listing, model, prices.get(model.id, []) if model is not None else [])
        if told is not None and place % _STEP == 0:
            told(_STEP)
    await comparison.write(change)
    if gone:
        await change.execute_many(_RETIRE, [{"model_id": model.id, "now": comparison.now} for model in gone])
    if told is not None:
        told(len(listings) % _STEP)
    return ImportResult(source=source, retired=len(gone), **comparison.counts)


class _Comparison:
    """What a list would change."""

    def __init__(self, source: str, owners: Mapping[str, UUID]) -> None:
        self.now = datetime.now(UTC)
        self.counts = dict.fromkeys(("added", "updated", "unchanged", "by_hand", "priced"), 0)
        self._source = source
        self._owners = owners
        self._new: list[dict[str, Any]] = []
        self._changed: list[dict[str, Any]] = []
        self._timelines = Timelines(self.now)

    def take(self, listing: Listing, model: Model | None, prices: Sequence[Price]) -> None:
        """Compare one model of the list with what there is."""
        if model is None:
            self._add(listing)
            return
        is_changed = self._compare(listing, model)
        has_own = any(
            price.source == MANUAL and (price.valid_until is None or price.valid_until > self.now) for price in prices
        )
        after = prices if has_own else relisted(prices, listing.prices, self.now)
        is_priced = self._timelines.change(model.id, prices, after)
        self.counts["priced"] += is_priced
        self.counts["by_hand"] += bool(has_own or model.by_hand)
        self.counts["updated" if is_changed or is_priced else "unchanged"] += 1

    async def write(self, change: Change) -> None:
        """Write the differences down."""
        if self._new:
            await change.execute_many(rows.INSERT, self._new)
        if self._changed:
            await change.execute_many(_UPDATE, self._changed)
        await self._timelines.write(change)

    def _add(self, listing: Listing) -> None:
        model_id = uuid7()
        self._new.append(
            {
                **_NOTHING,
                **listing.fields,
                "id": model_id,
                "name": listing.name,
                "provider_id": self._owners[listing.provider],
                "family_id": None,
                "source": self._source,
                "by_hand": None,
                "retired_at": None,
                "created_at": self.now,
                "updated_at": self.now,
            }
        )
        self._timelines.change(model_id, (), listing.prices)
        self.counts["added"] += 1

    def _compare(self, listing: Listing, model: Model) -> bool:
        before = {name: getattr(model, name) for name in rows.FIELDS}
        after = {name: _told(name, listing, model) for name in rows.FIELDS}
        provider = model.provider if "provider" in model.by_hand else listing.provider
        source = model.source if model.source == MANUAL else self._source
        is_same = before == after and (provider, source) == (model.provider, model.source)
        if is_same and model.retired_at is None:
            return False
        self._changed.append(
            {
                **after,
                "model_id": model.id,
                "provider_id": self._owners[provider] if provider is not None else None,
                "source": source,
                "retired_at": None,
                "updated_at": self.now,
            }
        )
        return True


_NOTHING: Final = dict.fromkeys(rows.FIELDS)


def _told(name: str, listing: Listing, model: Model) -> Any:
    """Return a field as it is to be: what was set by hand stays, and what a list has said and this one does not."""
    before, told = getattr(model, name), listing.fields.get(name)
    if told is None or name in model.by_hand:
        return before
    return {**(before or {}), **told} if name == "rest" else told


def _gone(known: Any, listings: Sequence[Listing], source: str, *, is_forced: bool) -> list[Model]:
    """Return the models that came from the list and are no longer in it."""
    listed = {listing.name for listing in listings}
    owned = [model for model in known if model.source == source and model.retired_at is None]
    gone = [model for model in owned if model.name not in listed]
    if 2 * len(gone) > len(owned) and not is_forced:
        raise InvalidRecord(
            f"{len(gone)} of {len(owned)} models from {source} are not in this list: nothing was imported. "
            "If that is meant, force it."
        )
    return gone


async def _owners(change: Change, listings: Sequence[Listing], source: str) -> dict[str, UUID]:
    """Return the ids of all providers by name; those that are new are made."""
    known = dict(await change.fetch_all(_PROVIDERS))
    missing = sorted({listing.provider for listing in listings} - known.keys())
    if missing:
        made = [new_provider(name, source, datetime.now(UTC)) for name in missing]
        await change.execute_many(INSERT_PROVIDER, made)
        known |= {row["name"]: row["id"] for row in made}
    return known
