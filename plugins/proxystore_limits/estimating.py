"""How much to reserve: what a request can use at most, or what requests like it mostly use."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeAlias

from proxystore import Exchange, Principal, Usage

if TYPE_CHECKING:
    from proxystore import Resolved, Store

Like: TypeAlias = tuple[str | None, str | None]
"""Who asks, and which model."""

_TOKENS: Final = (
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
_READ: Final = ("input_tokens", "cache_write_tokens", "cache_write_1h_tokens")
_WRITTEN: Final = ("output_tokens", "reasoning_tokens")
_tokens_of: Final = attrgetter(*_TOKENS)


class Estimates:
    """Knows what was used lately, if it is to be typical.

    Args:
        most_output: What an answer has at most, where nobody says it.
        is_typical: Whether less may be reserved than a request can use.
    """

    def __init__(self, *, most_output: int, is_typical: bool) -> None:
        self._most_output = most_output
        self._usual = Usual() if is_typical else None
        self._prices = Prices()

    def of(self, exchange: Exchange, who: Principal, store: Store) -> tuple[int, int]:
        """Return how many tokens and nano-dollars to reserve, as far as *who* is held to either."""
        units = {limit.unit for limit in who.limits}
        if units == {"requests"}:
            return 0, 0
        request, model = exchange.request, exchange.model
        most_output = model.max_output_tokens if model is not None else None
        given, written = store.limits.estimate(request.call, request.readable_body, most_output or self._most_output)
        tokens, nanousd = given + written, 0
        if "nanousd" in units and model is not None and request.call.is_billable:
            nanousd = self._prices.most_nanousd(model, given, written, exchange.started_ns)
        if self._usual is not None:
            tokens, nanousd = self._usual.at_most((who.key_id, request.call.request_model), tokens, nanousd)
        # A budget that is used up is to stand in the way of a request whose price nobody knows, too.
        return tokens, max(nanousd, 1)

    def learn(self, exchange: Exchange) -> tuple[int, int]:
        """Return how many tokens and nano-dollars were used, and remember it."""
        used = tokens_of(exchange.usage), exchange.cost.nanousd or 0
        if self._usual is not None and exchange.outcome == "complete":
            who = exchange.principal
            self._usual.learn((who.key_id if who is not None else None, exchange.request.call.request_model), *used)
        return used


def tokens_of(usage: Usage) -> int:
    """Return all tokens, in whatever bucket."""
    return sum(_tokens_of(usage))


class Prices:
    """What tokens cost at most: nobody knows beforehand which of them a provider caches, or spends on thinking."""

    _MOST: Final = 1_000

    def __init__(self) -> None:
        self._dearest: dict[int, tuple[Resolved, str, str]] = {}

    def most_nanousd(self, model: Resolved, given: int, written: int, at_ns: int) -> int:
        """Return what so many tokens cost in the dearest of their buckets; 0 where no price is known."""
        known = self._dearest.get(id(model))
        if known is None or known[0] is not model:
            known = model, *self._find(model, at_ns)
            if len(self._dearest) >= self._MOST:
                self._dearest.clear()
            self._dearest[id(model)] = known
        return _cost(model, at_ns, {known[1]: given, known[2]: written})

    def _find(self, model: Resolved, at_ns: int) -> tuple[str, str]:
        read, written = (max(names, key=lambda name: _cost(model, at_ns, {name: 1000})) for names in (_READ, _WRITTEN))
        return read, written


def _cost(model: Resolved, at_ns: int, tokens: dict[str, int]) -> int:
    usage = Usage(**tokens)  # type: ignore[arg-type]
    return model.tariff.cost(usage, at_ns).nanousd or 0


class Usual:
    """About what nineteen of twenty requests of a kind use: raised fast by what used more, lowered slowly by less."""

    _MOST: Final = 10_000
    _KNOWN: Final = 20
    _UP, _DOWN = 0.5, 0.5 * 0.05 / 0.95

    def __init__(self) -> None:
        self._known: dict[Like, tuple[int, float, float]] = {}

    def at_most(self, like: Like, tokens: int, nanousd: int) -> tuple[int, int]:
        """Return what is usual, if that is known and less than the tokens and nano-dollars given."""
        count, usual_tokens, usual_nanousd = self._known.get(like, (0, 0.0, 0.0))
        if count < self._KNOWN:
            return tokens, nanousd
        return min(tokens, int(usual_tokens) + 1), min(nanousd, int(usual_nanousd) + 1)

    def learn(self, like: Like, tokens: int, nanousd: int) -> None:
        """Take note of what one request used."""
        count, usual_tokens, usual_nanousd = self._known.pop(like, (0, float(tokens), float(nanousd)))
        self._known[like] = (count + 1, self._moved(usual_tokens, tokens), self._moved(usual_nanousd, nanousd))
        if len(self._known) > self._MOST:
            del self._known[next(iter(self._known))]

    def _moved(self, usual: float, used: int) -> float:
        return usual + (self._UP if used > usual else self._DOWN) * (used - usual)
