"""What an exchange costs: looked up before the proxy is called, reckoned when it is known what was used."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from proxystore.asgi.refusing import UNDECIDED
from proxystore.values import Cost, Denial

if TYPE_CHECKING:
    from proxystore.asgi.house import House
    from proxystore.exchange import Exchange
    from proxystore.repositories.models import Resolution, Resolved

FREE: Final = Cost(nanousd=0)
_UNPRICED: Final = Cost()
_NO_MODEL: Final = Denial(
    status=400, code="unreadable_request", message="The request names no model, and models without a price are refused."
)
_MOST_NAMED: Final = 1000
_log: Final = logging.getLogger(__name__)
_named: Final[set[str]] = set()


def recall(house: House, exchange: Exchange) -> bool:
    """Take what is remembered of the model asked for; return whether that is all there is to do."""
    request = exchange.request
    name = request.call.request_model
    if name is None:
        return True
    found = house.remembered((name, request.format.name))
    if found is None:
        return False
    exchange.model = found.everybody if found.others is None else _of(found, exchange)
    return True


async def look_up(house: House, exchange: Exchange) -> None:
    """Ask what the model asked for is, and what it costs."""
    request = exchange.request
    exchange.model = _of(await house.catalogue.find(request.call.request_model or "", request.format.name), exchange)


async def look_up_answer(house: House, exchange: Exchange, name: str | None) -> None:
    """Ask what the model that answered costs, where the one asked for has no price."""
    api = exchange.request.format.name
    if name is not None and not has_price(exchange.model, exchange.started_ns):
        await house.catalogue.find(name, api)


def _of(found: Resolution, exchange: Exchange) -> Resolved | None:
    who = exchange.principal
    return found.everybody if who is None else found.of(who.key_id, who.project_id)


def refusal(house: House, exchange: Exchange) -> Denial | None:
    """Return why *exchange* may not go on without a price; ``None`` if it has one, or may."""
    who = exchange.principal
    policy = house.unpriced if who is None or who.unpriced is None else who.unpriced
    if policy == "allow":
        return None
    call = exchange.request.call
    if not call.is_billable or has_price(exchange.model, exchange.started_ns):
        return None
    name = call.request_model
    if policy == "refuse":
        if name is None:
            return _NO_MODEL
        return UNDECIDED if _is_untold(house, exchange, name) else _unpriced(name)
    if name is not None and name not in _named and len(_named) < _MOST_NAMED:  # names are the caller's choice: bounded
        _named.add(name)
        _log.warning("no price is known for the model %r: what it costs is not counted", name)
    return None


def _is_untold(house: House, exchange: Exchange, name: str) -> bool:
    """Tell whether *name* was asked about and the database did not answer: what it does tell is remembered."""
    return (
        exchange.model is None
        and house.settings.cache_model_size > 0
        and house.remembered((name, exchange.request.format.name)) is None
    )


def has_price(model: Resolved | None, at_ns: int) -> bool:
    """Tell whether a price of *model* holds."""
    return model is not None and model.tariff.rates(at_ns) is not None


def cost_of(house: House, exchange: Exchange) -> Cost:
    """Return what *exchange* costs, as far as that is known; never waits."""
    usage = exchange.usage
    if usage.quality == "missing":
        # What an API answers with an error it does not bill; of what has broken off, nobody knows.
        is_refused_upstream = exchange.outcome == "failed" and (exchange.response.status or 0) >= 400
        return FREE if is_refused_upstream else exchange.cost
    model = exchange.model
    if model is not None:
        cost = model.tariff.cost(usage, exchange.started_ns)
        if cost.nanousd is not None:
            return cost
    call = exchange.request.call
    if not call.is_billable:
        return FREE
    name = usage.response_model
    if name is None or name == call.request_model:
        return _UNPRICED
    found = house.catalogue.recall(name, exchange.request.format.name)
    other = None if found is None else found.everybody
    return _UNPRICED if other is None else other.tariff.cost(usage, exchange.started_ns)


def _unpriced(name: str) -> Denial:
    return Denial(
        status=402,
        code="unpriced_model",
        message=f"No price is known for the model {name!r}, and models without one are refused.",
        headers=((b"x-should-retry", b"false"),),
    )
