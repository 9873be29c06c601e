"""Models, their prices in versions, and what their names mean: alike on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from proxystore import (
    Conflict,
    Cost,
    InvalidRecord,
    ModelAliasNotFound,
    ModelFamilyNotFound,
    ModelNotFound,
    Price,
    ProviderNotFound,
    ReferenceViolation,
    RemapRuleNotFound,
    Settings,
    Store,
    Usage,
    uuid7,
)

_USAGE = Usage(input_tokens=1_000_000, quality="reported")


@asynccontextmanager
async def _store(url: str, **settings: Any) -> AsyncIterator[Store]:
    """A store without the bundled list: what is known is what the test has said."""
    async with Store(settings=Settings(database_url=url, **{"bundled_prices": False} | settings)) as store:
        yield store


async def _dollars(store: Store, name: str, **asked: Any) -> Decimal | None:
    cost = (await store.models.cost(name, _USAGE, **asked)).nanousd
    return None if cost is None else Decimal(cost).scaleb(-9).normalize()


async def test_a_model_is_read_back_as_it_was_said(migrated_url: str) -> None:
    price = Price.of(input="2.50", output="10", cache_read="1.25")
    async with _store(migrated_url) as store:
        made = await store.models.create(
            "gpt-4o",
            provider="openai",
            family="gpt-4",
            prices=[price],
            mode="chat",
            max_input_tokens=128_000,
            supports_vision=True,
            input_modalities=("text", "image"),
            rest={"tokenizer": "o200k"},
            actor="cli:somebody",
        )
        found = await store.models.get("gpt-4o")
        provider = await store.providers.get("openai")
        family = await store.families.get("openai", "gpt-4")

    assert found == made
    assert (found.provider, found.family, found.mode) == (provider.name, family.name, "chat")
    assert (found.supports_vision, found.supports_reasoning) == (True, None)
    assert (found.input_modalities, found.rest) == (("text", "image"), {"tokenizer": "o200k"})
    assert (found.input_price, found.output_price) == (Decimal("2.5"), Decimal(10))
    assert found.cost(_USAGE) == Cost(nanousd=2_500_000_000, price_id=str(found.prices[0].id))
    assert "mode" in found.by_hand


async def test_what_is_there_is_not_made_again(migrated_url: str) -> None:
    async with _store(migrated_url) as store:
        await store.models.create("gpt-4o")
        with pytest.raises(Conflict):
            await store.models.create("gpt-4o")
        with pytest.raises(InvalidRecord, match="no colour"):
            await store.models.create("gpt-5", colour="red")
        with pytest.raises(InvalidRecord, match="provider"):
            await store.models.create("gpt-5", family="gpt")
        with pytest.raises(ModelNotFound, match="gpt-5"):
            await store.models.get("gpt-5")

        assert await store.models.count() == 1


async def test_a_model_is_changed_and_removed_with_its_aliases(migrated_url: str) -> None:
    async with _store(migrated_url) as store:
        await store.models.create("gpt-4o", provider="openai", prices=[Price.of(input=1)])
        await store.models.aliases.set("fast", "gpt-4o")
        changed = await store.models.update("gpt-4o", max_output_tokens=5, family="gpt-4")
        with pytest.raises(InvalidRecord):
            await store.models.update("gpt-4o")
        await store.models.delete("gpt-4o")

        assert (changed.provider, changed.family, changed.max_output_tokens) == ("openai", "gpt-4", 5)
        assert await store.models.aliases.list() == []
        with pytest.raises(ModelNotFound):
            await store.models.delete("gpt-4o")
        with pytest.raises(ReferenceViolation):
            await store.providers.delete("openai")


async def test_models_are_listed_in_pages_and_chosen(migrated_url: str) -> None:
    async with _store(migrated_url) as store:
        for name, provider, mode in (("b", "x", "chat"), ("a", "x", "embedding"), ("c", "y", "chat")):
            await store.models.create(name, provider=provider, mode=mode)
        listed = await store.models.list(limit=2)
        rest = await store.models.list(limit=2, after="b")
        chosen = await store.models.list(limit=9, provider="x", mode="chat")

    assert [[model.name for model in models] for models in (listed, rest, chosen)] == [["a", "b"], ["c"], ["b"]]


async def test_a_new_price_ends_the_one_before_and_leaves_yesterday_alone(migrated_url: str) -> None:
    now = datetime.now(UTC)
    async with _store(migrated_url) as store:
        await store.models.create("m", prices=[Price.of(input=1)])
        await store.models.set_price("m", Price.of(input=2))
        await store.models.set_price("m", Price.of(input=3, valid_from=now + timedelta(days=1)))
        model = await store.models.get("m")

        assert [await _dollars(store, "m", at=at) for at in (datetime(2020, 1, 1, tzinfo=UTC), None)] == [1, 2]
        assert await _dollars(store, "m", at=now + timedelta(days=2)) == 3
    assert [price.input_femtousd for price in model.prices] == [10**9, 2 * 10**9, 3 * 10**9]
    assert [price.valid_until for price in model.prices] == [
        model.prices[1].valid_from,
        now.replace(microsecond=now.microsecond) + timedelta(days=1),
        None,
    ]


async def test_a_price_for_a_tier_stands_beside_the_standard(migrated_url: str) -> None:
    async with _store(migrated_url) as store:
        await store.models.create("m", prices=[Price.of(input=2, output=8)])
        await store.models.set_price("m", Price.of(service_tier="batch", input=1))
        model = await store.models.set_price("m", Price.of(above_input_tokens=200_000, input=4))

    assert [price.condition[:2] for price in model.prices_at()] == [("", 0), ("", 200_000), ("batch", 0)]
    assert model.cost(Usage(input_tokens=10, service_tier="batch")).nanousd == 10_000


async def test_aliases_of_a_client_come_before_everybodys(migrated_url: str) -> None:
    async with _store(migrated_url) as store:
        for name, price in (("gpt-4o", 2), ("gpt-4o-mini", 1)):
            await store.models.create(name, prices=[Price.of(input=price)])
        await store.models.aliases.set("fast", "gpt-4o")
        await store.models.aliases.set("fast", "gpt-4o-mini", client="key_1")

        assert [await _dollars(store, "fast", client=client) for client in (None, "key_1", "key_2")] == [2, 1, 2]
        await store.models.aliases.set("fast", "gpt-4o-mini")  # repointed, not doubled
        assert [alias.model for alias in await store.models.aliases.list()] == ["gpt-4o-mini", "gpt-4o-mini"]
        assert await _dollars(store, "fast") == 1
        await store.models.aliases.delete("fast", client="key_1")
        with pytest.raises(ModelAliasNotFound):
            await store.models.aliases.delete("fast", client="key_1")
        with pytest.raises(ModelNotFound):
            await store.models.aliases.set("slow", "nothing")
        assert len(await store.models.aliases.list()) == 1


async def test_an_alias_is_unique_for_everybody_too(migrated_url: str) -> None:
    """A unique constraint takes NULLs for different, so "everybody" is none."""
    from proxystore.schema import model_aliases, models
    from tests.schema.rows import add, row

    async with _store(migrated_url) as store:
        model = row(models)
        await add(store.database, models, model)
        await add(store.database, model_aliases, row(model_aliases, model_id=model["id"]))
        with pytest.raises(Conflict):
            await add(store.database, model_aliases, row(model_aliases, model_id=model["id"]))


async def test_rules_are_asked_by_priority_then_age(migrated_url: str) -> None:
    async with _store(migrated_url) as store:
        for name, price in (("cheap", 1), ("dear", 2), ("mine", 3)):
            await store.models.create(name, prices=[Price.of(input=price)])
        first = await store.models.rules.create("team-*", "cheap")
        await store.models.rules.create("team-?", "dear")
        important = await store.models.rules.create("team-b*", "dear", priority=5)
        await store.models.rules.create("team-a", "mine", client="key_1")

        assert [await _dollars(store, name) for name in ("team-a", "team-b", "team-bc", "teams")] == [1, 2, 2, None]
        assert await _dollars(store, "team-a", client="key_1") == 3
        await store.models.rules.enable(first.id, is_enabled=False)
        assert [await _dollars(store, name) for name in ("team-a", "team-abc")] == [2, None]
        await store.models.rules.delete(important.id)
        assert await _dollars(store, "team-bc") is None
        with pytest.raises(RemapRuleNotFound):
            await store.models.rules.delete(uuid7())
        with pytest.raises(RemapRuleNotFound):
            await store.models.rules.enable(uuid7(), is_enabled=True)
        with pytest.raises(InvalidRecord):
            await store.models.rules.create("", "x")


@pytest.mark.parametrize(
    ("asked", "means", "how"),
    [
        ("gpt-4o", "gpt-4o", "name"),
        ("gpt-4o-2024-08-06", "gpt-4o-2024-08-06", "name"),
        ("gpt-4o-2099-01-01", "gpt-4o", "variant"),
        ("gpt-4o-20990101", "gpt-4o", "variant"),
        ("gpt-4o-0613", "gpt-4o", "variant"),
        ("gpt-4o-latest", "gpt-4o", "variant"),
        ("gpt-4o-9999", None, None),
        ("openai/gpt-4o", "gpt-4o", "variant"),
        ("openai/gpt-4o-2099-01-01", "gpt-4o", "variant"),
        ("azure/gpt-4o", "azure/gpt-4o", "name"),
        ("azure/gpt-4o-2099-01-01", "azure/gpt-4o", "variant"),
        ("mistral/gpt-4o", None, None),
        ("nobody/gpt-4o", None, None),
        ("models/gemini-2.5-pro", "gemini-2.5-pro", "variant"),
        ("publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro", "variant"),
        ("google/gemini-2.5-pro", "gemini-2.5-pro", "variant"),
        ("x-ai/grok-4", "xai/grok-4", "variant"),
        ("claude@20250101", "claude", "variant"),
        ("eu.anthropic.claude-one-20250101-v1:0", "eu.anthropic.claude-one-20250101-v1:0", "name"),
        ("us.anthropic.claude-one-20250101-v1:0", "anthropic.claude-one-20250101-v1:0", "variant"),
        ("us.anthropic.claude-one-20250101-v2:0", None, None),
        ("bedrock/us.anthropic.claude-one-20250101-v1:0", "anthropic.claude-one-20250101-v1:0", "variant"),
        ("arn:aws:bedrock:eu-1:7:x/eu.meta.llama9-v1:0", "bedrock/meta.llama9", "variant"),
        ("global.meta.llama9", "bedrock/meta.llama9", "variant"),
        ("nobody.meta.llama9", None, None),
        ("", None, None),
        ("x" * 500, None, None),
        ("a\0b", None, None),
    ],
)
async def test_names_mean_models(sqlite_names_url: str, asked: str, means: str | None, how: str | None) -> None:
    async with _store(sqlite_names_url) as store:
        found = await store.models.resolve(asked)

    assert (found and found.model, found and found.how) == (means, how)


@pytest.fixture(name="sqlite_names_url", scope="module")
def _sqlite_names_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A catalogue to look names up in; nothing here is the database's."""
    import asyncio

    url = f"sqlite:///{tmp_path_factory.mktemp('names') / 'proxystore.db'}"

    async def fill() -> None:
        async with _store(url) as store:
            for name, provider in (
                ("gpt-4o", "openai"),
                ("gpt-4o-2024-08-06", "openai"),
                ("eu.anthropic.claude-one-20250101-v1:0", "bedrock"),
                ("anthropic.claude-one-20250101-v1:0", "bedrock"),
                ("bedrock/meta.llama9", "bedrock"),
                ("azure/gpt-4o", "azure"),
                ("gemini-2.5-pro", "vertex_ai"),
                ("xai/grok-4", "xai"),
                ("claude", "anthropic"),
            ):
                await store.models.create(name, provider=provider)

    asyncio.run(fill())
    return url


async def test_whose_api_it_is_tells_names_apart(migrated_url: str) -> None:
    async with _store(migrated_url) as store:
        await store.models.create("groq/llama", provider="groq")

        assert await store.models.resolve("llama") is None
        found = await store.models.resolve("llama", provider="groq")
        assert found is not None
        assert found.model == "groq/llama"


async def test_searching_finds_the_same_on_both(migrated_url: str) -> None:
    async with _store(migrated_url) as store:
        for name in ("gpt-4o", "gpt-4o-mini", "azure/gpt-4o", "claude-sonnet-4-5", "gemini-2.5-pro"):
            await store.models.create(name)
        exact = await store.models.search("gpt-4o", limit=3)
        typo = await store.models.search("cluade sonnet", limit=1)

    assert [match.name for match in exact] == ["gpt-4o", "gpt-4o-mini", "azure/gpt-4o"]
    assert exact[0].score == 100
    assert [match.name for match in typo] == ["claude-sonnet-4-5"]


async def test_what_is_not_there_is_told(migrated_url: str) -> None:
    async with _store(migrated_url) as store:
        missing = [
            (ModelNotFound, store.models.explain("m", _USAGE)),
            (ModelNotFound, store.models.set_price("m", Price.of(input=1))),
            (ProviderNotFound, store.providers.get("p")),
            (ProviderNotFound, store.providers.update("p", description="x")),
            (ProviderNotFound, store.providers.delete("p")),
            (ModelFamilyNotFound, store.families.get("p", "f")),
            (ModelFamilyNotFound, store.families.update("p", "f", description=None)),
            (ModelFamilyNotFound, store.families.delete("p", "f")),
            (RemapRuleNotFound, store.models.rules.get(uuid7())),
            (InvalidRecord, store.families.create("p", "")),
            (InvalidRecord, store.providers.update("p")),
            (InvalidRecord, store.models.create("")),
        ]
        for kind, asked in missing:
            with pytest.raises(kind):
                await asked

        assert (await store.models.cost("m", _USAGE)).nanousd is None
        await store.models.create("m", prices=[Price.of(input=1)])
        assert (await store.models.explain("m", _USAGE)).dollars == 1


async def test_providers_and_families_are_kept(migrated_url: str) -> None:
    async with _store(migrated_url) as store:
        made = await store.providers.create(
            "openai", base_url="https://api.openai.com/v1", auth_method="bearer", features={"batch": True}
        )
        changed = await store.providers.update("openai", api_version="v1", description="The first")
        await store.families.create("openai", "gpt-4", description="Fourth")
        described = await store.families.update("openai", "gpt-4", description="Fourth of its name")
        with pytest.raises(Conflict):
            await store.families.create("openai", "gpt-4")
        with pytest.raises(Conflict):
            await store.providers.create("openai")
        with pytest.raises(InvalidRecord):
            await store.providers.create("a/b")
        with pytest.raises(InvalidRecord):
            await store.providers.update("openai", colour="red")
        await store.families.delete("openai", "gpt-4")
        await store.providers.delete("openai")

        assert (made.features, changed.base_url, changed.api_version) == ({"batch": True}, made.base_url, "v1")
        assert described.description == "Fourth of its name"
        assert await store.providers.list() == []
        assert await store.families.list() == []
