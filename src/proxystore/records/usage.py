"""What was used, as it is read back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
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

    @property
    def cost(self) -> Decimal | None:
        """What it cost in dollars; ``None`` where no price is known."""
        return None if self.cost_nanousd is None else Decimal(self.cost_nanousd).scaleb(-9)
