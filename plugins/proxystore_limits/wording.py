"""What callers are told when a limit stands in their way."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from proxystore import Denial, Exhausted, Limit

UNREADABLE: Final = Denial(
    status=400,
    code="unreadable_request",
    message="This key has a budget, and this request names no model that could be read.",
)
_NEVER_RETRY: Final = ((b"x-should-retry", b"false"),)
_WINDOWS: Final = {"minute": "a minute", "day": "a day", "month": "a month", "ever": "in all"}
_NANO: Final = Decimal(10) ** 9


def denial_of(found: Exhausted) -> Denial:
    """Return the refusal for what stands in the way: a rate, which is over soon; a quota or a budget, which is not."""
    limit = found.limit
    if found.cause == "unavailable":
        return Denial(
            status=503,
            code="store_unavailable",
            message="What is left of this key's limits cannot be told at the moment; try again soon.",
            retry_after=found.retry_after,
        )
    if limit.window == "minute":
        return Denial(
            status=429,
            code="rate_limit_exceeded",
            message=_message(found, "rate limit", "reached"),
            retry_after=found.retry_after,
            headers=() if found.retry_after is not None else _NEVER_RETRY,
            unit=limit.unit,
        )
    is_money = limit.unit == "nanousd"
    return Denial(
        status=402 if is_money else 429,
        code="budget_exceeded" if is_money else "quota_exceeded",
        message=_message(found, "budget" if is_money else "quota", "used up"),
        retry_after=found.retry_after if found.cause == "held" else None,
        headers=() if found.cause == "held" else _NEVER_RETRY,
        unit=limit.unit,
    )


def _amount(limit: Limit) -> str:
    if limit.unit != "nanousd":
        return f"{limit.amount:,} {limit.unit}"
    return f"{(limit.amount / _NANO).normalize():f} USD"


def _message(found: Exhausted, what: str, over: str) -> str:
    """Return what is over and when it is not; where it never is, the request by itself is too much."""
    limit = found.limit
    amount = f"{_amount(limit)} {_WINDOWS[limit.window]}"
    if found.cause == "held":
        return f"What is left of the {what}, {amount}, is promised to requests that are on their way. {_when(found)}"
    if found.retry_after is None and limit.window != "ever" and limit.unit != "requests":
        return f"This request may use more than the whole {what}: {amount}. Ask for a shorter answer (max_tokens)."
    return f"{what.capitalize()} {over}: {amount}. {_when(found)}"


def _when(found: Exhausted) -> str:
    if found.retry_after is None:
        return "It does not refill."
    if found.cause == "spent" and found.limit.window in ("day", "month"):
        return f"The next {found.limit.window} begins in {_duration(found.retry_after)} (UTC)."
    return f"Try again in {_duration(found.retry_after)}."


def _duration(seconds: float) -> str:
    whole = int(-(-seconds // 1))
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if whole >= 2 * size:
            return f"{whole // size} {name}"
    return "1 second" if whole == 1 else f"{whole} seconds"
