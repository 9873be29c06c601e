"""What a name means, and to whom: docs/models.md says it for people."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias, TypeVar
from uuid import UUID

import msgspec

from proxystore.database import Query
from proxystore.pricelists import GENAI_PRICES, Listing, candidates, find_bundled, same_provider
from proxystore.pricing import Explanation, Tariff, explained, nanoseconds
from proxystore.records.models import Model, ModelAlias, RemapRule
from proxystore.repositories.models import aliases, rows, rules
from proxystore.values import Cost, Usage

R = TypeVar("R")

How: TypeAlias = Literal["alias", "rule", "name", "variant", "bundled"]

_LONGEST: Final = 200
_EVERYBODY: Final = ""


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """What a name means to somebody.

    Attributes:
        asked: The name.
        model: The model's own name.
        provider: Whose it is.
        how: ``alias`` or ``rule`` by hand; ``name`` where it is the model's own; ``variant`` where it differs by a
            date, a prefix or a place; ``bundled`` where only the list that comes with us knows it.
        source: Where the model is from: ``manual``, or a list.
        max_output_tokens: The most that an answer can be.
        tariff: What it costs.
    """

    asked: str
    model: str
    provider: str | None
    how: How
    source: str
    max_output_tokens: int | None
    tariff: Tariff

    def as_model(self) -> Model:
        """Return what is known of it as a model, though the tables may have none."""
        now = datetime.now(UTC)
        return Model(
            id=UUID(int=0),
            name=self.model,
            provider=self.provider,
            max_output_tokens=self.max_output_tokens,
            source=self.source,
            created_at=now,
            updated_at=now,
            prices=self.tariff.prices,
        )

    def cost(self, usage: Usage, at: datetime | None = None) -> Cost:
        """Return what *usage* costs at a time, now if none is given."""
        return self.tariff.cost(usage, _ns(at))

    def explain(self, usage: Usage, at: datetime | None = None) -> Explanation:
        """Return what *usage* costs, and why."""
        return explained(self.tariff, usage, _ns(at))


class Resolution(msgspec.Struct, frozen=True):
    """What a name means to everybody, and to those to whom it means something else."""

    everybody: Resolved | None
    others: Mapping[str, Resolved | None] | None = None

    def of(self, *clients: str | None) -> Resolved | None:
        """Return what it means to the first of *clients* to whom it means something of its own, else to everybody."""
        if self.others is not None:
            for client in clients:
                if client is not None and client in self.others:
                    return self.others[client]
        return self.everybody


class _Target(NamedTuple):
    """What stands behind a name: another name, and whether that is exact."""

    name: str
    how: How


class Asked(Protocol):
    """Where rows are read from: a database, or a transaction."""

    async def fetch_one(self, query: Query[R], /, **values: object) -> R | None:
        """Return the first row as a record, or ``None``."""

    async def fetch_all(self, query: Query[R], /, **values: object) -> list[R]:
        """Return every row as a record."""


async def resolution(database: Asked, name: str, provider: str | None, *, is_bundled: bool) -> Resolution:
    """Return what *name* means to whom."""
    if not name or len(name) > _LONGEST or "\0" in name:
        return Resolution(None)
    named = await database.fetch_all(aliases.OF_NAME, name=name)
    fitting = [rule for rule in await database.fetch_all(rules.LIST) if rule.is_enabled and _fits(rule.pattern, name)]
    clients = {_EVERYBODY, *(one.client or "" for one in named), *(rule.client or "" for rule in fitting)}
    targets = {client: _target(name, client, named, fitting) for client in clients}
    meant = await _meant(database, name, provider, set(targets.values()), is_bundled=is_bundled)
    others = {client: meant[target] for client, target in targets.items() if client != _EVERYBODY}
    return Resolution(meant[targets[_EVERYBODY]], others or None)


def _target(name: str, client: str, named: Sequence[ModelAlias], fitting: Sequence[RemapRule]) -> _Target:
    """Return what *name* stands for: aliases before rules, a client's own before everybody's."""
    mine = {one.client or "": one.model for one in named}
    for whose in (client, _EVERYBODY):
        if whose in mine:
            return _Target(mine[whose], "alias")
    held = [rule for rule in fitting if rule.client is None or rule.client == client]
    if held:  # by priority; of equal ones the client's own, then the oldest
        first = min(held, key=lambda rule: (-rule.priority, rule.client is None))
        return _Target(first.to_model, "rule")
    return _Target(name, "name")


async def _meant(
    database: Asked, asked: str, provider: str | None, targets: Iterable[_Target], *, is_bundled: bool
) -> dict[_Target, Resolved | None]:
    """Return the models behind *targets*: in the tables, else in the list that comes with us."""
    wanted = {target: _possible(target, provider) for target in targets}
    names = sorted({name for possible in wanted.values() for name, _ in possible})
    known = {model.name: model for model in await database.fetch_all(rows.FIND_MANY, names=names)}
    picked: dict[_Target, Model | Listing | None] = {
        target: next((known[name] for name, of in possible if name in known and _is_of(known[name], of)), None)
        for target, possible in wanted.items()
    }
    if is_bundled:
        for target, found in picked.items():
            if found is None:
                picked[target] = await _bundled(database, target.name, provider)
    models = [found for found in picked.values() if isinstance(found, Model)]
    pairs = await database.fetch_all(rows.PRICES_OF, model_ids=[model.id for model in models]) if models else []
    priced = {model.name: model for model in rows.with_prices(models, pairs)}
    return {target: _resolved(asked, target, found, priced) for target, found in picked.items()}


def _possible(target: _Target, provider: str | None) -> list[tuple[str, str | None]]:
    return [(target.name, None)] if target.how == "alias" else list(candidates(target.name, provider))


def _is_of(model: Model, provider: str | None) -> bool:
    return provider is None or same_provider(model.provider, provider)


async def _bundled(database: Asked, name: str, provider: str | None) -> Model | Listing | None:
    """Return what the list takes *name* for; from the tables, where it has been imported."""
    listing = await asyncio.to_thread(find_bundled, name, provider)  # the first time it takes a while
    if listing is None:
        return None
    return await database.fetch_one(rows.FIND, name=listing.name) or listing


def _resolved(
    asked: str, target: _Target, found: Model | Listing | None, priced: Mapping[str, Model]
) -> Resolved | None:
    if found is None:
        return None
    how = target.how
    if isinstance(found, Listing):
        return Resolved(
            asked=asked,
            model=found.name,
            provider=found.provider,
            how="bundled" if how == "name" else how,
            source=GENAI_PRICES,
            max_output_tokens=found.fields.get("max_output_tokens"),
            tariff=Tariff(found.prices),
        )
    model = priced[found.name]
    return Resolved(
        asked=asked,
        model=model.name,
        provider=model.provider,
        how="variant" if how == "name" and model.name != asked else how,
        source=model.source,
        max_output_tokens=model.max_output_tokens,
        tariff=Tariff(model.prices),
    )


def _fits(pattern: str, name: str) -> bool:
    return _compiled(pattern).fullmatch(name) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"([*?])", pattern)
    translated = {"*": ".*", "?": "."}
    return re.compile("".join(translated.get(part) or re.escape(part) for part in parts), re.DOTALL)


def _ns(at: datetime | None) -> int:
    return time.time_ns() if at is None else nanoseconds(at)
