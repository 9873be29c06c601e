"""Changing one model by hand, in a transaction of somebody else's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from proxystore.changes import Change
from proxystore.errors import Conflict, InvalidRecord, ModelNotFound
from proxystore.ids import uuid7
from proxystore.pricing import EVER, RATES, Price, forgotten, replaced
from proxystore.records.models import MANUAL, Model
from proxystore.repositories.models import rows
from proxystore.repositories.models.owners import owners_of
from proxystore.repositories.models.timelines import Timelines

_LONGEST: Final = 200


class Owners(msgspec.Struct, frozen=True):
    """Whom a model is to belong to, by name; ``None`` is as before."""

    provider: str | None = None
    family: str | None = None

    @property
    def given(self) -> dict[str, str]:
        """What is not ``None``."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}


def check(name: str, fields: Mapping[str, Any]) -> None:
    """Refuse a name that is none, and fields that there are not.

    Raises:
        InvalidRecord: With what is wrong.
    """
    unknown = fields.keys() - set(rows.FIELDS)
    if unknown:
        raise InvalidRecord(f"A model has no {', '.join(sorted(unknown))}.")
    if not name or len(name) > _LONGEST or "\0" in name:
        raise InvalidRecord(f"A model's name has 1 to {_LONGEST} characters.")


async def create(change: Change, name: str, owners: Owners, prices: Sequence[Price], fields: Mapping[str, Any]) -> None:
    """Add a model."""
    now = datetime.now(UTC)
    by_hand = sorted({*fields, *owners.given})
    model_id = uuid7()
    values: dict[str, Any] = {
        **dict.fromkeys(rows.FIELDS),
        **fields,
        "provider_id": None,
        "family_id": None,
        **await owners_of(change, owners.provider, owners.family, now),
    }
    try:
        await change.execute(
            rows.INSERT,
            id=model_id,
            name=name,
            source=MANUAL,
            by_hand=by_hand,
            retired_at=None,
            created_at=now,
            updated_at=now,
            **values,
        )
    except Conflict:
        raise Conflict(f"There is a model named {name!r} already.") from None
    timelines = Timelines(now)
    timelines.change(model_id, (), prices)
    await timelines.write(change)
    change.touched(name, fields=by_hand, prices=[amounts_of(price) for price in prices])


async def update(change: Change, name: str, owners: Owners, fields: Mapping[str, Any]) -> None:
    """Change what is known of a model."""
    model = await found(change, name)
    now = datetime.now(UTC)
    provider = owners.provider or (model.provider if owners.family is not None else None)
    said = {*fields, *owners.given}
    values: dict[str, Any] = {
        **await owners_of(change, provider, owners.family, now),
        **fields,
        "by_hand": sorted({*model.by_hand, *said}),
        "updated_at": now,
    }
    await change.execute(rows.update_statement(frozenset(values)), model_id=model.id, **values)
    change.touched(name, fields=sorted(said))


async def set_price(change: Change, name: str, price: Price) -> None:
    """Set a price by hand."""
    model = await found(change, name)
    now = datetime.now(UTC)
    before = [one for _, one in await change.fetch_all(rows.PRICES_OF, model_ids=[model.id])]
    has_one = any(one.condition == price.condition for one in before)
    if price.valid_from == EVER and has_one:
        price = msgspec.structs.replace(price, valid_from=now)
    timelines = Timelines(now)
    timelines.change(model.id, before, replaced(before, price))
    await timelines.write(change)
    change.touched(name, price=amounts_of(price))


async def unset_prices(change: Change, name: str) -> None:
    """Forget the prices that were set by hand."""
    model = await found(change, name)
    before = [one for _, one in await change.fetch_all(rows.PRICES_OF, model_ids=[model.id])]
    timelines = Timelines(datetime.now(UTC))
    timelines.change(model.id, before, forgotten(before, MANUAL))
    await timelines.write(change)
    change.touched(name)


async def found(change: Change, name: str) -> Model:
    """Return the model called *name*.

    Raises:
        ModelNotFound: There is none.
    """
    model = await change.fetch_one(rows.FIND, name=name)
    if model is None:
        raise ModelNotFound(f"There is no model named {name!r}.")
    return model


def amounts_of(price: Price) -> dict[str, object]:
    """Return what *price* says, as it is written into records of what was done."""
    amounts = {name: amount for name, amount in zip(RATES, price.rates, strict=True) if amount is not None}
    return {"service_tier": price.service_tier, "above_input_tokens": price.above_input_tokens, "femtousd": amounts}
