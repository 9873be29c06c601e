"""What is asked of the plugins before the proxy sees a request."""

from __future__ import annotations

import logging
from types import CoroutineType
from typing import TYPE_CHECKING

from proxystore.asgi.pricing import look_up, recall, refusal
from proxystore.asgi.refusing import TOO_LARGE, UNDECIDED
from proxystore.errors import BodyTooLarge, ProxyStoreError
from proxystore.exchange import ClientGone
from proxystore.values import Answer, Denial

if TYPE_CHECKING:
    from proxystore.asgi.house import House
    from proxystore.exchange import Exchange

logger = logging.getLogger(__name__)


async def authenticate(house: House, exchange: Exchange) -> Denial | None:
    """Find out who is calling; return why they may not, or ``None``.

    Raises:
        ClientGone: There is nobody left to answer.
    """
    ask = house.chains.on_auth
    if ask is None:
        return None
    try:
        who = ask(exchange)
        if isinstance(who, CoroutineType):
            who = await who
    except ClientGone:
        raise
    except ProxyStoreError as error:
        return _denial_for(error)
    if isinstance(who, Denial):
        return who
    exchange.principal, exchange.decided_by = who, None
    return None


async def decide(house: House, exchange: Exchange) -> Answer | Denial | None:
    """Find out who is calling and what for; return the answer in the proxy's place, or ``None`` to let it pass.

    Raises:
        ClientGone: There is nobody left to answer.
    """
    denial = await authenticate(house, exchange)
    if denial is not None:
        return denial
    request, chains = exchange.request, house.chains
    try:
        if request.is_claimed:
            if request.declared_length > house.settings.max_body_bytes:
                return TOO_LARGE  # before a byte of it is read
            await request.read_call()
            if chains.on_usage is not None and not recall(house, exchange):
                await look_up(house, exchange)
        if chains.on_request is not None:
            decision = chains.on_request(exchange)
            if isinstance(decision, CoroutineType):
                decision = await decision
            if decision is not None:
                return decision
        return refusal(house, exchange) if request.is_claimed else None
    except ClientGone:
        raise
    except ProxyStoreError as error:
        return _denial_for(error)


def _denial_for(error: ProxyStoreError) -> Denial:
    if isinstance(error, BodyTooLarge):
        return TOO_LARGE
    logger.error("a request could not be decided: %s", error, exc_info=error)
    return UNDECIDED
