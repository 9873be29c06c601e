"""Importing lists: everything or nothing, as often as one likes, and nothing that was set by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from proxystore import InvalidRecord, Price, Settings, Store
from proxystore.pricelists import LITELLM, Listing, bundled, read_litellm
from proxystore.schema.models import CAPABILITIES

_FILE = Path(__file__).parent.parent / "pricelists" / "small.json"


@asynccontextmanager
async def _store(url: str) -> AsyncIterator[Store]:
    async with Store(settings=Settings(database_url=url, bundled_prices=False)) as store:
        yield store


def _listings() -> dict[str, Listing]:
    return {listing.name: listing for listing in read_litellm(_FILE.read_bytes(), CAPABILITIES)}


def _dearer(listing: Listing) -> Listing:
    prices = [msgspec.structs.replace(price, input_femtousd=10**10) for price in listing.prices[:1]]
    return msgspec.structs.replace(listing, prices=(*prices, *listing.prices[1:]))


async def test_a_list_is_imported_and_again_and_nothing_changes(migrated_url: str) -> None:
    steps: list[int] = []
    async with _store(migrated_url) as store:
        first = await store.models.import_listings(list(_listings().values()), LITELLM, told=steps.append)
        before = await store.models.list(limit=100)
        generation = await store.changes.generation()
        second = await store.models.import_listings(list(_listings().values()), LITELLM)

        assert (first.added, first.is_change, sum(steps)) == (9, True, 9)
        assert (second.unchanged, second.is_change) == (9, False)
        assert await store.models.list(limit=100) == before
        assert await store.changes.generation() == generation
        model = await store.models.get("gpt-4o")

    assert (model.source, model.provider, model.supports_vision) == ("litellm", "openai", True)
    assert (model.input_price, len(model.prices)) == (Decimal("2.5"), 3)
    assert model.rest is not None
    assert model.rest["tpm"] == 30_000


async def test_what_was_set_by_hand_stays(migrated_url: str) -> None:
    listings = _listings()
    async with _store(migrated_url) as store:
        await store.models.create("whisper-1", prices=[Price.of(second="0.5")], description="Ours")
        await store.models.import_listings(list(listings.values()), LITELLM)
        await store.models.update("gpt-4o", max_input_tokens=7, provider="elsewhere")
        await store.models.set_price("claude-sonnet-4-5", Price.of(input=1, output=2))
        changed = [_dearer(listing) for listing in listings.values()]
        result = await store.models.import_listings(changed, LITELLM)
        by_hand, priced, made = [await store.models.get(name) for name in ("gpt-4o", "claude-sonnet-4-5", "whisper-1")]

        assert (by_hand.max_input_tokens, by_hand.provider, by_hand.input_price) == (7, "elsewhere", Decimal(10))
        assert (priced.input_price, priced.output_price) == (1, 2)
        assert (made.source, made.description, made.mode) == ("manual", "Ours", "audio_transcription")
        assert [price.second_femtousd for price in made.prices_at()] == [5 * 10**14]
        assert result.by_hand == 3

        await store.models.unset_prices("claude-sonnet-4-5")
        await store.models.import_listings(changed, LITELLM)
        assert (await store.models.get("claude-sonnet-4-5")).input_price == Decimal(10)


async def test_a_list_without_half_of_the_models_is_refused(migrated_url: str) -> None:
    listings = list(_listings().values())
    async with _store(migrated_url) as store:
        await store.models.import_listings(listings, LITELLM)
        with pytest.raises(InvalidRecord, match="5 of 9"):
            await store.models.import_listings([_dearer(listings[0]), *listings[1:4]], LITELLM)
        assert (await store.models.get(listings[0].name)).input_price != Decimal(10)

        forced = await store.models.import_listings(listings[:4], LITELLM, is_forced=True)
        assert forced.retired == 5
        assert len(await store.models.list(limit=99)) == 4
        assert len(await store.models.list(limit=99, has_retired=True)) == 9
        retired = await store.models.resolve(listings[5].name)
        assert retired is not None  # its last price goes on
        assert (await store.models.import_listings(listings, LITELLM)).updated == 5
        assert len(await store.models.list(limit=99)) == 9


async def test_two_lists_go_together(migrated_url: str) -> None:
    """The later one has the last word about prices, and leaves what it does not tell."""
    async with _store(migrated_url) as store:
        await store.models.import_listings(list(_listings().values()), LITELLM)
        first, again = [await store.models.import_listings([bundled()["gpt-4o"]], "genai-prices") for _ in range(2)]
        model = await store.models.get("gpt-4o")

    assert (first.updated, again.is_change) == (1, False)

    assert (model.source, model.mode, model.supports_vision) == ("genai-prices", "chat", True)
    assert model.rest is not None
    assert {"tpm", "genai_prices_id"} <= model.rest.keys()
