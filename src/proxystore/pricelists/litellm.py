"""LiteLLM's ``model_prices_and_context_window.json``: thousands of models, a flat record each.

A key names a price, and in its suffix what it holds for: ``input_cost_per_token_above_200k_tokens_priority``. What has
a column of ours is taken out of the record; the rest of it is kept as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from proxystore.errors import InvalidRecord
from proxystore.pricelists.listing import Listing
from proxystore.pricelists.names import provider_of
from proxystore.pricing import Price, femtousd_of

LITELLM: Final = "litellm"
"""The source of what was read here."""

_RATES: Final = {
    "input_cost_per_token": "input",
    "cache_read_input_token_cost": "cache_read",
    "input_cost_per_token_cache_hit": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "input_cost_per_audio_token": "input_audio",
    "input_cost_per_image_token": "input_image",
    "output_cost_per_token": "output",
    "output_cost_per_reasoning_token": "reasoning",
    "output_cost_per_audio_token": "output_audio",
    "output_cost_per_image_token": "output_image",
    "input_cost_per_query": "request",
    "input_cost_per_second": "second",
    "output_cost_per_second": "second",
    "input_cost_per_request": "call",
}
_PIECES: Final = {
    "image_generation": "output_cost_per_image",
    "image_edit": "output_cost_per_image",
    "ocr": "ocr_cost_per_page",
}
"""What a piece is where it is no search."""

_SEARCH: Final = ("search_context_cost_per_query", "search_context_size_medium")
_MULTIPLES: Final = "provider_specific_entry"
_MULTIPLIED: Final = ("fast", "us")
_ONES: Final = frozenset({"request", "second", "call"})
_TIERS: Final = {"batches": "batch"}
_KEY: Final = re.compile(
    rf"({'|'.join(sorted(_RATES, key=len, reverse=True))})"
    r"(?:_above_(\d+)k_tokens)?(?:_(priority|flex|batches|ultrafast|balanced|decisions))?"
)
_CAPABILITY: Final = re.compile("supports_[a-z_]+")
_NUMBERS: Final = ("max_input_tokens", "max_output_tokens", "output_vector_size")
_LISTS: Final = {
    "supported_modalities": "input_modalities",
    "supported_output_modalities": "output_modalities",
    "supported_endpoints": "endpoints",
}
_OURS: Final = frozenset({"litellm_provider", "mode", "source", "deprecation_date", *_NUMBERS, *_LISTS})
_LARGEST: Final = 2**31 - 1

Condition = tuple[str, int]
"""A service tier, and above how many tokens of input."""


def read_litellm(data: bytes, capabilities: Iterable[str]) -> list[Listing]:
    """Return the models in a file; what is none, such as its ``sample_spec``, is left out.

    Args:
        data: The file.
        capabilities: Which of its ``supports_…`` have a column of ours.

    Raises:
        InvalidRecord: It is no such file, or a price in it is none.
    """
    try:
        records = json.loads(data, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise InvalidRecord(f"This is no price list: {error}.") from None
    if not isinstance(records, dict):
        raise InvalidRecord("This is no price list: a JSON object of models is wanted.")
    known = frozenset(capabilities)
    return [
        _listing(name, record, known)
        for name, record in records.items()
        if isinstance(record, dict) and _is_model(name, record)
    ]


def _is_model(name: str, record: Mapping[str, Any]) -> bool:
    return name != "sample_spec" and isinstance(record.get("litellm_provider"), str)


def _listing(name: str, record: Mapping[str, Any], capabilities: frozenset[str]) -> Listing:
    fields: dict[str, Any] = {"mode": record.get("mode"), "source_url": record.get("source")}
    for number in _NUMBERS:
        fields[number] = _number(record.get(number))
    if fields["max_input_tokens"] is None:
        fields["max_input_tokens"] = _number(record.get("max_tokens"))
    for theirs, ours in _LISTS.items():
        if isinstance(record.get(theirs), list):
            fields[ours] = tuple(map(str, record[theirs]))
    fields["deprecated_at"] = _day(record.get("deprecation_date"))
    for capability in capabilities & record.keys():
        if isinstance(record[capability], bool):
            fields[capability] = record[capability]
    amounts, used = _amounts(name, record)
    fields["rest"] = _plain(
        {key: value for key, value in record.items() if key not in used and key not in _OURS and key not in fields}
        | {"litellm_provider": record["litellm_provider"]}
    )
    provider = provider_of(record["litellm_provider"])
    return Listing(name=name, provider=provider, fields=fields, prices=tuple(_prices(amounts)))


def _amounts(name: str, record: Mapping[str, Any]) -> tuple[dict[Condition, dict[str, int]], set[str]]:
    """Return the amounts by what they hold for, and the keys they were told by."""
    amounts: dict[Condition, dict[str, int]] = {}
    used: set[str] = set()
    for key, value in record.items():
        match = _KEY.fullmatch(key)
        if match is None or not _is_amount(value):
            continue
        rate, tier = _RATES[match[1]], match[3] or ""
        condition = _TIERS.get(tier, tier), int(match[2] or 0) * 1000
        amount, held = _femtousd(name, key, value), amounts.setdefault(condition, {})
        # A second is told as input, as output, or as both: it is one second, and has one price.
        held[rate] = max(held.get(rate, 0), amount) if rate == "second" else held.get(rate, amount)
        used.add(key)
    for step in record.get("tiered_pricing") or ():
        above = int(step.get("range", (0,))[0])
        held = amounts.setdefault(("", above), {})
        held.update({_RATES[key]: _femtousd(name, key, value) for key, value in step.items() if key in _RATES})
        used.add("tiered_pricing")
    _add_pieces(name, record, amounts)
    _add_multiples(record, amounts)
    return amounts, used


def _add_pieces(name: str, record: Mapping[str, Any], amounts: dict[Condition, dict[str, int]]) -> None:
    """Add what a search, an image or a page costs, where that is what is counted."""
    key, size = _SEARCH
    sizes = record.get(key)
    if isinstance(sizes, dict) and _is_amount(sizes.get(size)):
        amounts.setdefault(("", 0), {}).setdefault("request", _femtousd(name, key, sizes[size]))
    key = _PIECES.get(str(record.get("mode")), "")
    if _is_amount(record.get(key)):
        amounts.setdefault(("", 0), {}).setdefault("request", _femtousd(name, key, record[key]))


def _add_multiples(record: Mapping[str, Any], amounts: dict[Condition, dict[str, int]]) -> None:
    """Add what tokens cost where that is told as a multiple of the ordinary: held to the US, or fast."""
    told = record.get(_MULTIPLES)
    factors: dict[str, Any] = told if isinstance(told, dict) else {}
    ordinary = [(above, held) for (tier, above), held in amounts.items() if not tier]
    for tier in _MULTIPLIED:
        factor: Any = factors.get(tier)
        if _is_amount(factor):
            for above, held in ordinary:
                dearer = {rate: round(amount * factor) for rate, amount in held.items() if rate not in _ONES}
                amounts[tier, above] = dearer | amounts.get((tier, above), {})


def _prices(amounts: Mapping[Condition, Mapping[str, int]]) -> Iterator[Price]:
    for (tier, above), held in sorted(amounts.items()):
        rates: dict[str, Any] = {f"{rate}_femtousd": amount for rate, amount in held.items()}
        yield Price(service_tier=tier, above_input_tokens=above, source=LITELLM, **rates)


def _femtousd(name: str, key: str, value: Decimal | int) -> int:
    try:
        return femtousd_of(value)
    except InvalidRecord as error:
        raise InvalidRecord(f"{name}: {key}: {error}") from None


def _is_amount(value: object) -> bool:
    return isinstance(value, Decimal | int) and not isinstance(value, bool)


def _number(value: object) -> int | None:
    if isinstance(value, Decimal | int) and not isinstance(value, bool) and 0 <= value <= _LARGEST:
        return int(value)
    return None


def _day(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=UTC)
    except ValueError:
        return None


def _plain(value: Any) -> Any:
    """Return *value* as JSON reads it back: decimals as numbers."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return float(value) if isinstance(value, Decimal) else value
