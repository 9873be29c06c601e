"""What can be called and what it costs, as it is read back."""

from __future__ import annotations

import time
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec

from proxystore.pricing import Explanation, Price, Tariff, explained, nanoseconds
from proxystore.values import Cost, Usage

MANUAL = "manual"
"""The source of what was set by hand."""
CAPABILITIES: Final = (
    "supports_assistant_prefill",
    "supports_audio_input",
    "supports_audio_output",
    "supports_computer_use",
    "supports_function_calling",
    "supports_native_streaming",
    "supports_parallel_function_calling",
    "supports_pdf_input",
    "supports_prompt_caching",
    "supports_reasoning",
    "supports_response_schema",
    "supports_system_messages",
    "supports_tool_choice",
    "supports_url_context",
    "supports_video_input",
    "supports_vision",
    "supports_web_search",
)
"""What a model can do, or cannot; ``NULL`` where nobody says."""


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """Who runs models.

    Attributes:
        name: Such as ``openai``; what names of models begin with, as in ``openai/gpt-4o``.
        base_url, api_version, auth_method: How its API is called.
        features, config: Whatever else is worth keeping.
        source: ``manual``, or the list it came from.
    """

    id: UUID
    name: str
    base_url: str | None = None
    api_version: str | None = None
    auth_method: str | None = None
    description: str | None = None
    features: dict[str, Any] | None = None
    config: dict[str, Any] | None = None
    source: str = MANUAL
    created_at: datetime
    updated_at: datetime


class ModelFamily(msgspec.Struct, frozen=True, kw_only=True):
    """Models of a provider that belong together, such as ``claude-3``."""

    id: UUID
    provider: str
    name: str
    description: str | None = None
    created_at: datetime
    updated_at: datetime


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be called, what it can do, and what it costs.

    Attributes:
        name: As it is called; with its provider in front where several have one of that name, as in ``azure/gpt-4o``.
        provider, family: By name.
        mode: What it is for: ``chat``, ``embedding``, ``audio_transcription`` …
        max_input_tokens, max_output_tokens: What fits into a request and an answer.
        output_vector_size: Numbers in an embedding.
        supports_…: What it can do, or cannot; ``None`` where nobody says.
        input_modalities, output_modalities, endpoints: Such as ``image``; such as ``/v1/responses``.
        deprecated_at: From when on its provider advises against it.
        source_url: Where that was found.
        rest: What a price list says besides.
        source: ``manual``, or the list it came from.
        by_hand: The fields that were set by hand, which imports leave alone.
        retired_at: Since when its list no longer has it; its last price goes on.
        prices: Of every version.
    """

    id: UUID
    name: str
    provider: str | None = None
    family: str | None = None
    mode: str | None = None
    description: str | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    output_vector_size: int | None = None
    supports_assistant_prefill: bool | None = None
    supports_audio_input: bool | None = None
    supports_audio_output: bool | None = None
    supports_computer_use: bool | None = None
    supports_function_calling: bool | None = None
    supports_native_streaming: bool | None = None
    supports_parallel_function_calling: bool | None = None
    supports_pdf_input: bool | None = None
    supports_prompt_caching: bool | None = None
    supports_reasoning: bool | None = None
    supports_response_schema: bool | None = None
    supports_system_messages: bool | None = None
    supports_tool_choice: bool | None = None
    supports_url_context: bool | None = None
    supports_video_input: bool | None = None
    supports_vision: bool | None = None
    supports_web_search: bool | None = None
    input_modalities: tuple[str, ...] | None = None
    output_modalities: tuple[str, ...] | None = None
    endpoints: tuple[str, ...] | None = None
    deprecated_at: datetime | None = None
    source_url: str | None = None
    rest: dict[str, Any] | None = None
    source: str = MANUAL
    by_hand: tuple[str, ...] = ()
    retired_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    prices: tuple[Price, ...] = ()

    def cost(self, usage: Usage, at: datetime | None = None) -> Cost:
        """Return what *usage* costs at a time, now if none is given; rounded once to nano-dollars, half to even."""
        return Tariff(self.prices).cost(usage, _ns(at))

    def explain(self, usage: Usage, at: datetime | None = None) -> Explanation:
        """Return what *usage* costs at a time, and why, line by line."""
        return explained(Tariff(self.prices), usage, _ns(at))

    def prices_at(self, at: datetime | None = None) -> tuple[Price, ...]:
        """Return the prices that hold at a time, the broadest first."""
        return Tariff(self.prices).valid_at(_ns(at))

    @property
    def input_price(self) -> Decimal | None:
        """Dollars for a million tokens of input, now."""
        return self._per_million("input_femtousd")

    @property
    def output_price(self) -> Decimal | None:
        """Dollars for a million tokens of output, now."""
        return self._per_million("output_femtousd")

    def _per_million(self, name: str) -> Decimal | None:
        standard = next((price for price in self.prices_at() if price.is_standard), None)
        amount = None if standard is None else getattr(standard, name)
        return None if amount is None else Decimal(amount).scaleb(-9).normalize() + 0


class ModelMatch(msgspec.Struct, frozen=True, kw_only=True):
    """A model that a search has found; *score* is 100 where it is what was searched for."""

    name: str
    provider: str | None
    mode: str | None
    source: str
    score: float


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
    """What an import has done.

    Attributes:
        source: The list it came from.
        added, updated, unchanged: Models of the list, counted.
        retired: Models that came from the list and are no longer in it.
        by_hand: Models of which something was left alone, since it was set by hand.
        priced: Models whose prices are others now.
    """

    source: str
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    retired: int = 0
    by_hand: int = 0
    priced: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """What was done, in numbers."""
        return {name: getattr(self, name) for name in self.__struct_fields__ if name != "source"}

    @property
    def is_change(self) -> bool:
        """Whether anything is another than before."""
        return bool(self.added or self.updated or self.retired or self.priced)


class ModelAlias(msgspec.Struct, frozen=True, kw_only=True):
    """Another name of a model; *client* is the id of a key or a project it is for alone."""

    id: UUID
    alias: str
    client: str | None
    model: str
    created_at: datetime
    updated_at: datetime


class RemapRule(msgspec.Struct, frozen=True, kw_only=True):
    """Which model is meant by names like *pattern*: ``*`` stands for anything, ``?`` for one character."""

    id: UUID
    client: str | None
    pattern: str
    to_model: str
    priority: int = 0
    is_enabled: bool = True
    created_at: datetime
    updated_at: datetime


def _ns(at: datetime | None) -> int:
    return time.time_ns() if at is None else nanoseconds(at)
