"""The package ``genai-prices``: it comes with us, so prices are known without a file and without a network.

It takes a tenth of a second to load, and does so when it is first asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

import msgspec

from proxystore.pricelists.listing import Listing
from proxystore.pricelists.names import bedrock_name, placeless, provider_of, same_provider
from proxystore.pricing import EVER, RATES, Price, femtousd_of

if TYPE_CHECKING:
    from genai_prices import types

GENAI_PRICES: Final = "genai-prices"
"""The source of what was read here, and the distribution."""

_M: Final = 1_000_000
_RATES: Final = {
    "input_mtok": ("input", _M),
    "cache_read_mtok": ("cache_read", _M),
    "cache_write_mtok": ("cache_write", _M),
    "cache_write_5m_mtok": ("cache_write", _M),
    "cache_write_1h_mtok": ("cache_write_1h", _M),
    "input_audio_mtok": ("input_audio", _M),
    "input_image_mtok": ("input_image", _M),
    "output_mtok": ("output", _M),
    "output_reasoning_mtok": ("reasoning", _M),
    "output_audio_mtok": ("output_audio", _M),
    "output_image_mtok": ("output_image", _M),
    "web_searches_kcount": ("request", 1000),
    "input_document_kpages": ("request", 1000),
    "requests_kcount": ("call", 1000),
    "audio_hours": ("second", 3600),
    "input_audio_hours": ("second", 3600),
}
_AMOUNTS: Final = [f"{rate}_femtousd" for rate in RATES]
_NOT_OF_TOKENS: Final = frozenset({"request_femtousd", "second_femtousd", "call_femtousd"})
_BARE: Final = ("openai", "anthropic", "google", "aws")
"""Whose models go by their own names; the first one has the name."""

_HELD_TO_THE_US: Final = "anthropic"
"""Whose answers tell of inference that may not leave the US: of its price the list does not tell, LiteLLM's does."""

_TIER_KEYS: Final = {"service_tier", "processing", "speed"}


@cache
def bundled_version() -> str:
    """Return which release of the list this is."""
    return metadata.version(GENAI_PRICES)


@cache
def bundled() -> dict[str, Listing]:
    """Return every model of the list by its name."""
    return {
        name: _listing(name, provider, model)
        for (provider_id, model_id), name in _names().items()
        for provider, model in [_models()[provider_id, model_id]]
    }


def find_bundled(name: str, provider: str | None = None) -> Listing | None:
    """Return what the list takes *name* for, dated names, beginnings of names and all; ``None`` if nothing.

    Args:
        name: As a client or an API wrote it.
        provider: Whose API it is said to be; asked where the name alone says nothing.
    """
    name = placeless(name).lower()
    prefix, slash, rest = name.partition("/")
    tries: list[tuple[str, str | None]] = [(rest, prefix)] if slash and rest else []
    tries += [(name, None), *([(name, provider.lower())] if provider else [])]
    amazons = bedrock_name(name)
    if amazons is not None:  # its own price, else that of who made it
        tries += [(amazons.plain, "bedrock"), (amazons.model, amazons.vendor)]
    for model_ref, owner in tries:
        found = _found(model_ref, owner)
        if found is not None:
            return found
    return None


def _found(model_ref: str, owner: str | None) -> Listing | None:
    # Its own look-up remembers every name it was ever asked for: names are the caller's choice.
    from genai_prices.data_snapshot import get_snapshot

    providers = get_snapshot().providers
    for provider in providers:
        if owner is None:
            is_asked = provider.model_match is not None and provider.model_match.is_match(model_ref)
        else:
            is_asked = same_provider(provider.id, owner)
        model = provider.find_model(model_ref, all_providers=providers) if is_asked else None
        if model is not None:
            known = _names().get((provider.id, model.id)) or f"{provider_of(provider.id)}/{model.id}"
            return _listing(known, provider, model)
    return None


@cache
def _models() -> dict[tuple[str, str], tuple[types.Provider, types.ModelInfo]]:
    from genai_prices.data_snapshot import get_snapshot

    return {
        (provider.id, model.id): (provider, model) for provider in get_snapshot().providers for model in provider.models
    }


@cache
def _names() -> dict[tuple[str, str], str]:
    """Return our name for each of their models; no two have one."""
    places = {provider: place for place, provider in enumerate(_BARE)}
    taken: dict[str, tuple[str, str]] = {}
    for key in sorted(_models(), key=lambda key: places.get(key[0], len(places))):
        provider, model = key
        name = model if provider in places and model not in taken else f"{provider_of(provider)}/{model}"
        taken[name if name not in taken else f"{provider}/{model}"] = key
    return {key: name for name, key in taken.items()}


def _listing(name: str, provider: types.Provider, model: types.ModelInfo) -> Listing:
    fields: dict[str, Any] = {
        "description": model.description.strip() if model.description else model.name,
        "max_input_tokens": model.context_window,
        "source_url": provider.pricing_urls[0] if provider.pricing_urls else None,
        "rest": {"genai_prices_id": f"{provider.id}/{model.id}"}
        | ({"price_comments": model.price_comments} if model.price_comments else {})
        | ({"deprecated": True} if model.deprecated else {}),
    }
    prices = tuple(_prices(model))
    if provider.id == _HELD_TO_THE_US:
        prices += tuple(map(_in_the_us, (price for price in prices if price.service_tier == "")))
    return Listing(name=name, provider=provider_of(provider.id), fields=fields, prices=prices)


def _prices(model: types.ModelInfo) -> Iterator[Price]:
    from genai_prices.types import ModelPrice

    if isinstance(model.prices, ModelPrice):
        yield from _rows(model.prices)
    else:
        yield from _versions(model.prices)
    variants: dict[str, list[types.PriceVariant]] = {}
    for variant in model.price_variants or ():
        variants.setdefault(_tier(variant.when), []).append(variant)
    variants.pop("", None)
    for tier, several in variants.items():
        yield from _following(several, service_tier=tier)


def _in_the_us(price: Price) -> Price:
    """Return what inference in the US alone costs: of all tokens a tenth more."""
    dearer: dict[str, Any] = {
        name: None if name in _NOT_OF_TOKENS or amount is None else amount * 11 // 10
        for name, amount in zip(_AMOUNTS, price.rates, strict=True)
    }
    return msgspec.structs.replace(price, service_tier="us", **dearer)


def _versions(conditional: Sequence[types.ConditionalPrice]) -> Iterator[Price]:
    """Yield prices that follow each other, and those of some hours of the day."""
    from genai_prices.types import TimeOfDateConstraint

    yield from _following([one for one in conditional if not isinstance(one.constraint, TimeOfDateConstraint)])
    for one in conditional:
        if isinstance(one.constraint, TimeOfDateConstraint):
            hours = {
                "daily_from": _minute(one.constraint.start_time),
                "daily_until": _minute(one.constraint.end_time),
            }
            yield from _rows(one.prices, **hours)


def _following(several: Iterable[types.ConditionalPrice | types.PriceVariant], **condition: Any) -> Iterator[Price]:
    """Yield prices of which each ends where the next begins."""
    starts = sorted(several, key=lambda one: _since(one.constraint).get("valid_from", EVER))
    for one, following in zip(starts, [*starts[1:], None], strict=True):
        until = None if following is None else _since(following.constraint).get("valid_from")
        yield from _rows(one.prices, valid_until=until, **_since(one.constraint), **condition)


def _rows(prices: types.ModelPrice, **condition: Any) -> Iterator[Price]:
    """Yield a row for each size of input that has prices of its own."""
    from genai_prices.types import TieredPrices

    steps: dict[int, dict[str, int]] = {0: {}}
    for key, value in prices.__dict__.items():
        if key not in _RATES or value is None:
            continue
        rate, per = _RATES[key]
        tiers = value.tiers if isinstance(value, TieredPrices) else ()
        base = value.base if isinstance(value, TieredPrices) else value
        for above, amount in ((0, base), *((tier.start, tier.price) for tier in tiers)):
            steps.setdefault(above, {})[f"{rate}_femtousd"] = femtousd_of(Decimal(amount), per)
    for above, rates in sorted(steps.items()):
        if rates:
            given: dict[str, Any] = {**rates, **condition}
            yield Price(above_input_tokens=above, source=GENAI_PRICES, **given)


def _tier(when: dict[str, str]) -> str:
    """Return the service tier that a variant is for; '' for what is no tier, or the standard one."""
    if len(when) != 1 or not when.keys() <= _TIER_KEYS:
        return ""
    (tier,) = when.values()
    return "" if tier == "default" else tier


def _since(constraint: object) -> dict[str, datetime]:
    start = getattr(constraint, "start_date", None)
    return {"valid_from": datetime.combine(start, time(), UTC)} if isinstance(start, date) else {}


def _minute(moment: time) -> int:
    return moment.hour * 60 + moment.minute
