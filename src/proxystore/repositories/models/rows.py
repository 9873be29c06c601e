"""Models and their prices as statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec
from sqlalchemy import Select, bindparam, delete, func, insert, select, update

from proxystore.database import Query, Statement
from proxystore.pricing import RATES, Price
from proxystore.records.models import CAPABILITIES, Model
from proxystore.schema import model_families, models, prices, providers

Filters: TypeAlias = frozenset[str]

FIELDS: Final = (
    "mode",
    "description",
    "max_input_tokens",
    "max_output_tokens",
    "output_vector_size",
    *CAPABILITIES,
    "input_modalities",
    "output_modalities",
    "endpoints",
    "deprecated_at",
    "source_url",
    "rest",
)
"""What a model can be told of besides its name, provider, family and prices."""

_TUPLES: Final = ("input_modalities", "output_modalities", "endpoints")
_AMOUNTS: Final = tuple(f"{name}_femtousd" for name in RATES)
_PRICE: Final = tuple(column.name for column in prices.c if column.name not in ("model_id", "created_at"))


def model_of(**row: Any) -> Model:
    """Return a row as a record."""
    for name in _TUPLES:
        if row[name] is not None:
            row[name] = tuple(row[name])
    return Model(**{**row, "by_hand": tuple(row["by_hand"] or ())})


def _select() -> Select[Any]:
    columns = [column for column in models.c if column.name not in ("provider_id", "family_id")]
    source = models.outerjoin(providers, providers.c.id == models.c.provider_id)
    source = source.outerjoin(model_families, model_families.c.id == models.c.family_id)
    return select(*columns, providers.c.name.label("provider"), model_families.c.name.label("family")).select_from(
        source
    )


_FILTERS: Final = {
    "provider": providers.c.name == bindparam("provider"),
    "family": model_families.c.name == bindparam("family"),
    "mode": models.c.mode == bindparam("mode"),
    "source": models.c.source == bindparam("source"),
    "after": models.c.name > bindparam("after"),
}

FIND: Final = Query(_select().where(models.c.name == bindparam("name")), model_of)
FIND_MANY: Final = Query(_select().where(models.c.name.in_(bindparam("names", expanding=True))), model_of)
EVERYTHING: Final = Query(_select().order_by(models.c.name), model_of)


@cache
def list_query(filters: Filters, *, has_retired: bool) -> Query[Model]:
    """Return the statement that lists models by name; it takes a ``limit`` and the *filters*."""
    query = _select().order_by(models.c.name).limit(bindparam("limit"))
    query = query.where(*(_FILTERS[name] for name in sorted(filters)))
    return Query(query if has_retired else query.where(models.c.retired_at.is_(None)), model_of)


def _price_of(**row: Any) -> tuple[UUID, Price]:
    return row.pop("model_id"), Price(**row)


_PRICES: Final = select(prices.c.model_id, *(prices.c[name] for name in _PRICE)).order_by(
    prices.c.model_id, prices.c.valid_from, prices.c.service_tier, prices.c.above_input_tokens
)
PRICES_OF: Final = Query(_PRICES.where(prices.c.model_id.in_(bindparam("model_ids", expanding=True))), _price_of)
ALL_PRICES: Final = Query(_PRICES, _price_of)

INSERT: Final = Statement(insert(models).values({column.name: bindparam(column.name) for column in models.c}))
DELETE: Final = Statement(delete(models).where(models.c.id == bindparam("model_id")))
INSERT_PRICE: Final = Statement(insert(prices).values({column.name: bindparam(column.name) for column in prices.c}))
END_PRICE: Final = Statement(
    update(prices).where(prices.c.id == bindparam("price_id")).values(valid_until=bindparam("until"))
)
DELETE_PRICE: Final = Statement(delete(prices).where(prices.c.id == bindparam("price_id")))
COUNT: Final = Query(select(func.count().label("n")).select_from(models), lambda n: n)
NAMES: Final = Query(
    select(models.c.name, providers.c.name.label("provider"), models.c.mode, models.c.source)
    .select_from(models.outerjoin(providers, providers.c.id == models.c.provider_id))
    .where(models.c.retired_at.is_(None))
    .order_by(models.c.name),
    lambda **row: row,
)


@cache
def update_statement(columns: Filters) -> Statement:
    """Return the statement that writes *columns* of the model with the id ``model_id``."""
    values: dict[str, Any] = {name: bindparam(name) for name in sorted(columns)}
    return Statement(update(models).where(models.c.id == bindparam("model_id")).values(values))


def with_prices(found: Iterable[Model], pairs: Iterable[tuple[UUID, Price]]) -> list[Model]:
    """Return models with their prices."""
    by_model: dict[UUID, list[Price]] = {}
    for model_id, price in pairs:
        by_model.setdefault(model_id, []).append(price)
    return [msgspec.structs.replace(model, prices=tuple(by_model.get(model.id, ()))) for model in found]


def price_row(price: Price, **rest: object) -> Mapping[str, object]:
    """Return *price* as the values of its row."""
    return {name: getattr(price, name) for name in _PRICE} | rest
