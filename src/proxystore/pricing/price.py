"""One price of a model: what it holds for, when, and how much each bucket is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

import msgspec

from proxystore.errors import InvalidRecord
from proxystore.pricing.money import femtousd_of

EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""From when a price holds of which nobody said since when."""

STANDARD_TIERS: Final = frozenset({"", "auto", "default", "standard"})
"""What APIs call the tier that is nothing special."""


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What a model costs under one condition, in femto-dollars (1e-15) for one token, piece, second or call.

    A bucket without a price of its own is reckoned, in this order, by its price in the condition that this one
    narrows (fewer tokens, then the standard tier), or by the price of another bucket: reasoning as output; what is
    read from or written to a cache, audio and images as other input or output; what is written for an hour as what is
    written for five minutes; tokens of an unknown kind by the dearer of input and output. All but reasoning is marked
    ``is_assumed``, as are pieces without a price beside tokens, which add nothing. Pieces alone, seconds and input or
    output itself have no such substitute: then no cost is known.

    Attributes:
        id: Of the row; ``None`` in what was not read from the database.
        service_tier: Such as ``batch``, ``flex`` or ``priority``; '' is the standard.
        above_input_tokens: Holds for requests whose input, cached or not, is more than this; for all of their tokens.
        daily_from, daily_until: Minutes of the day, UTC, between which it holds; ``None`` is all day.
        valid_from, valid_until: When it holds, the end exclusive; ``None`` is until further notice.
        input_femtousd … output_image_femtousd: One token of each bucket of `proxystore.Usage`; ``None`` has none of
            its own.
        request_femtousd: One piece, such as a web search.
        second_femtousd: One second, such as of transcribed audio.
        call_femtousd: Each answer, whatever is in it.
        source: ``manual``, or the list it came from.
    """

    id: UUID | None = None
    service_tier: str = ""
    above_input_tokens: int = 0
    daily_from: int | None = None
    daily_until: int | None = None
    valid_from: datetime = EVER
    valid_until: datetime | None = None
    input_femtousd: int | None = None
    cache_read_femtousd: int | None = None
    cache_write_femtousd: int | None = None
    cache_write_1h_femtousd: int | None = None
    input_audio_femtousd: int | None = None
    input_image_femtousd: int | None = None
    output_femtousd: int | None = None
    reasoning_femtousd: int | None = None
    output_audio_femtousd: int | None = None
    output_image_femtousd: int | None = None
    request_femtousd: int | None = None
    second_femtousd: int | None = None
    call_femtousd: int | None = None
    source: str = "manual"

    @classmethod
    def of(
        cls,
        *,
        service_tier: str = "",
        above_input_tokens: int = 0,
        valid_from: datetime = EVER,
        source: str = "manual",
        **dollars: Decimal | str | int,
    ) -> Self:
        """Return a price told in dollars, as price lists do.

        Args:
            service_tier: As the attribute.
            above_input_tokens: As the attribute.
            valid_from: As the attribute.
            source: As the attribute.
            **dollars: By the names of the amounts without ``_femtousd``: a million tokens, but one piece (``request``),
                one second (``second``), one answer (``call``).

        Raises:
            InvalidRecord: An amount is unknown, negative, or no number.
        """
        unknown = dollars.keys() - set(RATES)
        if unknown:
            raise InvalidRecord(f"A price has no {', '.join(sorted(unknown))}; it may have {', '.join(RATES)}.")
        amounts: dict[str, Any] = {
            f"{name}_femtousd": femtousd_of(amount, 1 if name in _ONES else 1_000_000)
            for name, amount in dollars.items()
        }
        return cls(
            service_tier=service_tier,
            above_input_tokens=above_input_tokens,
            valid_from=valid_from,
            source=source,
            **amounts,
        )

    @property
    def condition(self) -> tuple[str, int, int | None, int | None]:
        """What it holds for, apart from when: only one price of a model may at any time."""
        return self.service_tier, self.above_input_tokens, self.daily_from, self.daily_until

    @property
    def rates(self) -> tuple[int | None, ...]:
        """Its amounts, in the order of `RATES`."""
        return tuple(getattr(self, f"{name}_femtousd") for name in RATES)

    @property
    def is_standard(self) -> bool:
        """Whether it holds for everything that no narrower one does."""
        return self.condition == ("", 0, None, None)


class Bucket(NamedTuple):
    """A bucket of `proxystore.Usage`: its price, and by which price it is reckoned if that is missing."""

    rate: str
    substitutes: tuple[str, ...] = ()
    is_usual: bool = False  # to reckon it so is what everybody does: no assumption


BUCKETS: Final[Mapping[str, Bucket]] = {
    "input_tokens": Bucket("input"),
    "cache_read_tokens": Bucket("cache_read", ("input",)),
    "cache_write_tokens": Bucket("cache_write", ("input",)),
    "cache_write_1h_tokens": Bucket("cache_write_1h", ("cache_write", "input")),
    "input_audio_tokens": Bucket("input_audio", ("input",)),
    "input_image_tokens": Bucket("input_image", ("input",)),
    "output_tokens": Bucket("output"),
    "reasoning_tokens": Bucket("reasoning", ("output",), is_usual=True),
    "output_audio_tokens": Bucket("output_audio", ("output",)),
    "output_image_tokens": Bucket("output_image", ("output",)),
}
"""Token buckets; tokens of an unknown kind, pieces and seconds are apart."""

_ONES: Final = ("request", "second", "call")
RATES: Final = (*(bucket.rate for bucket in BUCKETS.values()), *_ONES)
"""What a price has amounts for, each in the field of that name with ``_femtousd``."""
