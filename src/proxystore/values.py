"""What rooms hand each other and no table holds."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, Iterable
from typing import Final, Literal, TypeAlias

import msgspec

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""Header fields as ASGI has them: lower-case names, values as sent."""

Disconnect: TypeAlias = Literal["bill_seen", "drain", "void"]
Outcome: TypeAlias = Literal["complete", "cached", "refused", "failed", "disconnected"]
Quality: TypeAlias = Literal["reported", "estimated", "inconsistent", "unclassified", "missing"]

LONGEST_OWNER: Final = 100
_UNITS: Final = ("requests", "tokens", "nanousd")
_WINDOWS: Final = ("minute", "day", "month", "ever")
_is_owner: Final = re.compile(rf"[^\0\ud800-\udfff]{{1,{LONGEST_OWNER}}}").fullmatch


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """So much of something in a window of time.

    Attributes:
        owner: Whose limit it is, such as ``key_0198…``; no more than 100 characters.
        unit: What is counted; money in nano-dollars.
        amount: How much of it, at most.
        window: ``minute`` slides; ``day`` and ``month`` are calendar windows in UTC; ``ever`` never refills.

    Raises:
        ValueError: No database could count that. So said here, to whoever made it: others' limits are asked for
            together with it.
    """

    owner: str
    unit: Literal["requests", "tokens", "nanousd"]
    amount: int
    window: Literal["minute", "day", "month", "ever"]

    def __post_init__(self) -> None:
        """Refuse what could not be counted."""
        if not isinstance(self.owner, str) or _is_owner(self.owner) is None:
            raise ValueError(f"the owner of a limit is a text of 1 to {LONGEST_OWNER} characters, none of them NUL")
        if self.unit not in _UNITS or self.window not in _WINDOWS:
            raise ValueError(f"a limit is one of {', '.join(_UNITS)} in a window of {', '.join(_WINDOWS)}")
        if type(self.amount) is not int or not -(2**62) <= self.amount < 2**63:
            raise ValueError("the amount of a limit is a whole number of 64 bits")


class Hold(msgspec.Struct, frozen=True, array_like=True):
    """What a request has been promised of a budget, for the ledger to settle with what the request used.

    Attributes:
        owner: Whose budget it is.
        unit: What is counted.
        span: ``day``, ``month`` or ``ever``.
        period: Which one, counted from 1970 (UTC); 0 for ``ever``.
        amount: How much.
    """

    owner: str
    unit: Literal["requests", "tokens", "nanousd"]
    span: Literal["day", "month", "ever"]
    period: int
    amount: int


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling.

    Attributes:
        key_id: The id of the key, never its secret.
        project_id: The project the key belongs to.
        name: For people; need not be unique.
        models: The models that may be called; ``None`` is every model.
        limits: What the limits plugin holds the caller to.
        disconnect: What is recorded when the caller leaves before the end; ``None`` is what the setting says.
        cache_ttl: For how many seconds answers to the caller are cached, asked for or not; 0 is not at all, ``None`` is
            what the cache's own settings say.
        unpriced: What becomes of a request whose model has no known price; ``None`` is what the settings say.
    """

    key_id: str | None = None
    project_id: str | None = None
    name: str = ""
    models: frozenset[str] | None = None
    limits: tuple[Limit, ...] = ()
    disconnect: Disconnect | None = None
    cache_ttl: float | None = None
    unpriced: Literal["allow", "alert", "refuse"] | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the model, as far as the wire format could tell; always what the *client* said.

    Attributes:
        operation_name: OpenTelemetry's ``gen_ai.operation.name``, such as ``chat`` or ``embeddings``.
        request_model: The name asked for; ``None`` where the request tells none.
        is_streaming: Whether the answer was asked for as a stream.
        wants_usage: Whether usage will be told without our asking for it.
        max_output_tokens: The caller's bound on generated tokens.
        end_user: On whose behalf the caller says it asks.
        is_billable: Whether it costs anything; counting tokens does not.
        is_background: Whether the answer is made without anybody waiting for it, to be fetched some other time.
    """

    operation_name: str
    request_model: str | None = None
    is_streaming: bool = False
    wants_usage: bool = True
    max_output_tokens: int | None = None
    end_user: str | None = None
    is_billable: bool = True
    is_background: bool = False


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens in disjoint buckets: their sum is the total, nothing is counted in two of them.

    Unlike OpenTelemetry's (whose input includes cached tokens and output includes reasoning), so that each bucket
    can have a price of its own; an exporter adds them up.

    Attributes:
        input_tokens: Read anew: neither from a provider's cache nor audio nor image.
        cache_read_tokens: Read from the provider's prompt cache.
        cache_write_tokens: Written to it for five minutes (or for as long as the provider says without a choice).
        cache_write_1h_tokens: Written to it for an hour.
        input_audio_tokens, input_image_tokens: Input of other kinds.
        output_tokens: Written for the caller to read.
        reasoning_tokens: Generated for the model's own use.
        output_audio_tokens, output_image_tokens: Output of other kinds.
        unclassified_tokens: Known by their sum alone.
        requests: Billed by the piece, such as web searches, or images that no tokens are told of.
        seconds: Billed by the second, such as transcribed audio.
        quality: How much these numbers can be trusted.
        response_model: The model that answered, if it said so.
        service_tier: At which speed or price it answered, such as ``flex``; ``None`` is the standard.
    """

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    input_audio_tokens: int = 0
    input_image_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    output_audio_tokens: int = 0
    output_image_tokens: int = 0
    unclassified_tokens: int = 0
    requests: int = 0
    seconds: float = 0.0
    quality: Quality = "missing"
    response_model: str | None = None
    service_tier: str | None = None


TOKENS: Final = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "input_image_tokens",
    "output_tokens",
    "reasoning_tokens",
    "output_audio_tokens",
    "output_image_tokens",
    "unclassified_tokens",
)
"""The buckets of `Usage`, in its order."""


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a limit, as callers are told of it on every answer.

    Attributes:
        unit: What is counted.
        amount: How much of it may be had in a window.
        remaining: How much of that is left.
        resets_in: Seconds until all of it is there again.
    """

    unit: Literal["requests", "tokens"]
    amount: int
    remaining: int
    resets_in: float


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Money in integer nano-dollars.

    Attributes:
        nanousd: How much; ``None`` where no price is known, never 0 for that.
        price_id: The price that it was reckoned by.
        is_assumed: Whether something was reckoned by a price that is not its own, since it has none: see
            `proxystore.Price`.
    """

    nanousd: int | None = None
    price_id: str | None = None
    is_assumed: bool = False


class Denial(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal; returned, never raised; the wire format gives it the shape of the API that was called.

    Attributes:
        status: The HTTP status.
        code: A stable word for programs, such as ``rate_limit_exceeded``.
        message: A sentence for people, in the caller's terms.
        retry_after: Seconds until another try makes sense; becomes ``Retry-After``.
        headers: Sent along.
        unit: What there was too much of, where some APIs tell: ``rate_limit_exceeded`` by ``requests`` or ``tokens``.
    """

    status: int
    code: str
    message: str
    retry_after: float | None = None
    headers: Headers = ()
    unit: Literal["requests", "tokens", "nanousd"] | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A response given in place of the proxy's; returned, never raised."""

    status: int = 200
    headers: Headers = ()
    chunks: Iterable[bytes] | AsyncIterable[bytes] = ()
    outcome: Outcome = "cached"
    usage: Usage = Usage()
