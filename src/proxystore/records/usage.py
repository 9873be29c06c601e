"""What was used, as it is read back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec

from proxystore.values import Outcome, Quality


class UsageEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``usage_events`` with its series spelt out; durations in milliseconds, money in nano-dollars."""

    event_id: UUID
    started_at: datetime
    project_id: str | None
    key_id: str | None
    credential_id: str | None
    provider_name: str
    operation_name: str
    request_model: str | None
    response_model: str | None
    status: int
    outcome: Outcome
    quality: Quality
    first_byte_ms: int | None
    latency_ms: int
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    input_audio_tokens: int
    input_image_tokens: int
    output_tokens: int
    reasoning_tokens: int
    output_audio_tokens: int
    output_image_tokens: int
    unclassified_tokens: int
    billed_requests: int
    billed_ms: int
    cost_nanousd: int | None
    saved_nanousd: int | None = None
    finish_reason: str | None = None
    traceparent: str | None = None
    end_user: str | None = None
    metadata: dict[str, str | int] | None = None

    @property
    def cost(self) -> Decimal | None:
        """What it cost in dollars; ``None`` where no price is known."""
        return None if self.cost_nanousd is None else Decimal(self.cost_nanousd).scaleb(-9)


class UsageSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What was used in one group of a report; counts of requests unless said otherwise.

    Attributes:
        group: The model, project, key … or the period (``2026-11-21``, ``2026-11-21T14:00Z``, ``2026-11``) this is
            about; ``None`` where requests named none.
        name: What a key or a project is called.
        requests: All of them.
        successes: Answered, by the proxy or from the cache, with a status below 400.
        errors: Failed, or answered with a status from 400 on.
        refusals: Refused by a plugin.
        cache_hits: Answered from the cache.
        unpriced: Those whose cost is not known.
        estimated: Those whose usage is an estimate.
        latency_ms: Milliseconds of all requests together.
        input_tokens … unclassified_tokens: The disjoint buckets of `proxystore.Usage`.
        billed_requests, billed_ms: What is billed by the piece and by the time.
        cost_nanousd: Nano-dollars of those whose cost is known.
        saved_nanousd: Nano-dollars that answers from the cache would have cost.
    """

    group: str | None
    name: str | None = None
    requests: int
    successes: int
    errors: int
    refusals: int
    cache_hits: int
    unpriced: int
    estimated: int
    latency_ms: int
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    input_audio_tokens: int
    input_image_tokens: int
    output_tokens: int
    reasoning_tokens: int
    output_audio_tokens: int
    output_image_tokens: int
    unclassified_tokens: int
    billed_requests: int
    billed_ms: int
    cost_nanousd: int
    saved_nanousd: int = 0

    @property
    def saved(self) -> Decimal:
        """What the cache saved, in dollars."""
        return Decimal(self.saved_nanousd).scaleb(-9)

    @property
    def cost(self) -> Decimal | None:
        """What the priced requests cost in dollars; ``None`` where none of them has a known price."""
        return None if self.unpriced and not self.cost_nanousd else Decimal(self.cost_nanousd).scaleb(-9)

    @property
    def error_rate(self) -> float:
        """Which share of requests were errors, from 0 to 1."""
        return self.errors / self.requests if self.requests else 0.0

    @property
    def cache_hit_rate(self) -> float:
        """Which share of requests were answered from the cache, from 0 to 1."""
        return self.cache_hits / self.requests if self.requests else 0.0

    @property
    def mean_latency_ms(self) -> float:
        """How long a request took, on average."""
        return self.latency_ms / self.requests if self.requests else 0.0

    @property
    def all_input_tokens(self) -> int:
        """Everything read: new, cached, written to the cache, audio and image."""
        return sum(getattr(self, name) for name in _INPUT)

    @property
    def all_output_tokens(self) -> int:
        """Everything generated: for the caller, for the model's own use, audio and image."""
        return sum(getattr(self, name) for name in _OUTPUT)

    @property
    def all_tokens(self) -> int:
        """Every bucket together."""
        return self.all_input_tokens + self.all_output_tokens + self.unclassified_tokens


_INPUT: Final = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "input_image_tokens",
)
_OUTPUT: Final = ("output_tokens", "reasoning_tokens", "output_audio_tokens", "output_image_tokens")


class LatencySummary(msgspec.Struct, frozen=True, kw_only=True):
    """How long answers took in one group of a report; of refusals, failures and clients that left, nothing is known.

    Attributes:
        group: As in `UsageSummary`.
        name: As in `UsageSummary`.
        answers: How many there were, from the proxy or the cache, whatever their status.
        p50_ms, p95_ms, p99_ms: The milliseconds in which that share of them was complete, to within 5 %.
    """

    group: str | None
    name: str | None = None
    answers: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class CostShare(msgspec.Struct, frozen=True, kw_only=True):
    """What one group of a report cost.

    Attributes:
        group: As in `UsageSummary`.
        name: As in `UsageSummary`.
        requests: All of them.
        unpriced: Those whose cost is not known.
        all_tokens: Every bucket together.
        cost_nanousd: Nano-dollars of those whose cost is known.
        share: Which share of all costs that is, from 0 to 1.
    """

    group: str | None
    name: str | None = None
    requests: int
    unpriced: int
    all_tokens: int
    cost_nanousd: int
    share: float

    @property
    def cost(self) -> Decimal | None:
        """In dollars; ``None`` where no request has a known price."""
        return None if self.unpriced and not self.cost_nanousd else Decimal(self.cost_nanousd).scaleb(-9)
