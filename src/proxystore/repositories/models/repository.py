"""What can be called, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from proxystore.changes import Changes
from proxystore.database import Database
from proxystore.errors import InvalidRecord, ModelNotFound
from proxystore.pricelists import GENAI_PRICES, Listing, bundled
from proxystore.pricing import Explanation, Price
from proxystore.records.models import ImportResult, Model, ModelMatch
from proxystore.repositories.models import changing, rows
from proxystore.repositories.models.aliases import AliasRepository
from proxystore.repositories.models.importing import Told, import_listings
from proxystore.repositories.models.resolving import Resolution, Resolved, resolution
from proxystore.repositories.models.rules import RuleRepository
from proxystore.repositories.models.searching import matches
from proxystore.values import Cost, Usage

Models: TypeAlias = list[Model]

MODEL: Final = "model"
"""The aggregate: whatever is changed here changes what a name means or costs."""


class ModelRepository:
    """Every model that is known, by whatever name.

    Args:
        database: Where they are.
        changes: Who is told of changes.
        is_bundled: Whether names that are not there are looked for in the list that comes with us.

    Attributes:
        aliases: Other names of models.
        rules: Which model is meant by names of a pattern.
    """

    def __init__(self, database: Database, changes: Changes, *, is_bundled: bool = True) -> None:
        self._database = database
        self._changes = changes
        self._is_bundled = is_bundled
        self.aliases = AliasRepository(database, changes)
        self.rules = RuleRepository(database, changes)

    # -- what a name means ----------------------------------------------------------------------------------------

    async def resolve(self, name: str, *, client: str | None = None, provider: str | None = None) -> Resolved | None:
        """Return what *name* means, by alias, rule, prefix, date or the bundled list: see docs/models.md.

        Args:
            name: As a client or an API wrote it.
            client: The id of the key, or of the project, whose aliases and rules hold before everybody's.
            provider: Whose API it is said to be.
        """
        return (await self.resolution(name, provider=provider)).of(client)

    async def resolution(self, name: str, *, provider: str | None = None) -> Resolution:
        """Return what *name* means to whom."""
        return await resolution(self._database, name, provider, is_bundled=self._is_bundled)

    async def cost(self, name: str, usage: Usage, *, at: datetime | None = None, client: str | None = None) -> Cost:
        """Return what *usage* of the model that *name* means costs at a time; now if none is given."""
        found = await self.resolve(name, client=client)
        return Cost() if found is None else found.cost(usage, at)

    async def explain(
        self, name: str, usage: Usage, *, at: datetime | None = None, client: str | None = None
    ) -> Explanation:
        """Return what *usage* costs, line by line.

        Raises:
            ModelNotFound: Nothing is known by this name.
        """
        found = await self.resolve(name, client=client)
        if found is None:
            raise ModelNotFound(f"Nothing is known by the name {name!r}.")
        return found.explain(usage, at)

    # -- what there is --------------------------------------------------------------------------------------------

    async def find(self, name: str) -> Model | None:
        """Return the model of exactly this name, with its prices."""
        found = await self._with_prices(await self._database.fetch_all(rows.FIND, name=name))
        return found[0] if found else None

    async def get(self, name: str) -> Model:
        """Return the model of exactly this name, with its prices.

        Raises:
            ModelNotFound: There is none.
        """
        found = await self.find(name)
        if found is None:
            raise ModelNotFound(f"There is no model named {name!r}.")
        return found

    async def list(
        self,
        *,
        limit: int,
        after: str | None = None,
        provider: str | None = None,
        family: str | None = None,
        mode: str | None = None,
        source: str | None = None,
        has_retired: bool = False,
    ) -> Models:
        """Return models by name, with their prices.

        Args:
            limit: How many at most.
            after: Only those whose names come after this one: the last one of the page before.
            provider: Only those.
            family: Only those.
            mode: Only those.
            source: Only those.
            has_retired: Also those that their list no longer has.
        """
        chosen = {"after": after, "provider": provider, "family": family, "mode": mode, "source": source}
        filters = {name: value for name, value in chosen.items() if value is not None}
        query = rows.list_query(frozenset(filters), has_retired=has_retired)
        return await self._with_prices(await self._database.fetch_all(query, limit=limit, **filters))

    async def count(self) -> int:
        """Return how many there are."""
        return await self._database.fetch_one(rows.COUNT) or 0

    async def search(self, text: str, *, limit: int, provider: str | None = None) -> Sequence[ModelMatch]:
        """Return the models whose names are most like *text*, the likeliest first; alike on every database."""
        known = {row["name"]: ModelMatch(**row, score=0.0) for row in await self._database.fetch_all(rows.NAMES)}
        if self._is_bundled:
            for name, listing in bundled().items():
                known.setdefault(name, _match_of(listing))
        return matches(text, (one for one in known.values() if provider is None or one.provider == provider), limit)

    # -- changes --------------------------------------------------------------------------------------------------

    async def create(
        self,
        name: str,
        *,
        provider: str | None = None,
        family: str | None = None,
        prices: Sequence[Price] = (),
        actor: str | None = None,
        **fields: Any,
    ) -> Model:
        """Add a model by hand; imports leave alone what is said of it here.

        Args:
            name: As it is called.
            provider: By name; made where it is new.
            family: By name, in its provider; made where it is new.
            prices: See `proxystore.Price.of`.
            actor: Who does it.
            **fields: See `proxystore.Model`.

        Raises:
            Conflict: There is one already.
            InvalidRecord: A model has no such field.
        """
        changing.check(name, fields)
        async with self._changes.begin(MODEL, action="model.create", actor=actor) as change:
            await changing.create(change, name, changing.Owners(provider, family), prices, fields)
        return await self.get(name)

    async def update(
        self,
        name: str,
        *,
        provider: str | None = None,
        family: str | None = None,
        actor: str | None = None,
        **fields: Any,
    ) -> Model:
        """Change what is known of a model; imports leave alone what is said here.

        Raises:
            ModelNotFound: There is none.
            InvalidRecord: A model has no such field, or nothing is to be changed.
        """
        changing.check(name, fields)
        if not fields and provider is None and family is None:
            raise InvalidRecord("Nothing is to be changed.")
        async with self._changes.begin(MODEL, action="model.update", actor=actor) as change:
            await changing.update(change, name, changing.Owners(provider, family), fields)
        return await self.get(name)

    async def delete(self, name: str, *, actor: str | None = None) -> None:
        """Remove a model, its prices and its aliases; what was recorded of it stays, with its cost.

        Raises:
            ModelNotFound: There is none.
        """
        async with self._changes.begin(MODEL, action="model.delete", actor=actor) as change:
            model = await changing.found(change, name)
            await change.execute(rows.DELETE, model_id=model.id)
            change.touched(name)

    async def set_price(self, name: str, price: Price, *, actor: str | None = None) -> Model:
        """Set a price by hand, from its ``valid_from`` on; imports leave the model's prices alone from then on.

        One that says no time, as `proxystore.Price.of` makes it, begins now where the model has had one under that
        condition, since what was valid yesterday stays so; else it has always been valid.

        Raises:
            ModelNotFound: There is none.
        """
        async with self._changes.begin(MODEL, action="model.price", actor=actor) as change:
            await changing.set_price(change, name, price)
        return await self.get(name)

    async def unset_prices(self, name: str, *, actor: str | None = None) -> Model:
        """Forget the prices that were set by hand: those of lists go on, and are kept up to date again.

        Raises:
            ModelNotFound: There is none.
        """
        async with self._changes.begin(MODEL, action="model.unset_prices", actor=actor) as change:
            await changing.unset_prices(change, name)
        return await self.get(name)

    async def import_listings(
        self,
        listings: Sequence[Listing],
        source: str,
        *,
        is_forced: bool = False,
        actor: str | None = None,
        told: Told | None = None,
    ) -> ImportResult:
        """Take over what a list says: all of it or, if anything is wrong with it, nothing.

        What was set by hand stays. What is the same is not touched: to import a list twice changes nothing.

        Args:
            listings: What the list has.
            source: The list.
            is_forced: Even if more than half of the models that came from it are gone.
            actor: Who does it.
            told: Called with how many models were looked at since the last time.

        Raises:
            InvalidRecord: More than half of the models that came from the list are gone.
        """
        async with self._changes.begin(MODEL, action="model.import", actor=actor) as change:
            result = await import_listings(change, listings, source, is_forced=is_forced, told=told)
            if result.is_change:
                change.touched(None, source=source, counts=result.counts)
        return result

    async def _with_prices(self, found: Sequence[Model]) -> Models:
        if not found:
            return []
        ids = [model.id for model in found]
        return rows.with_prices(found, await self._database.fetch_all(rows.PRICES_OF, model_ids=ids))


def _match_of(listing: Listing) -> ModelMatch:
    mode = listing.fields.get("mode")
    return ModelMatch(name=listing.name, provider=listing.provider, mode=mode, source=GENAI_PRICES, score=0.0)
