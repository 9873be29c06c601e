"""One HTTP exchange on its way through the house.

What only the way through needs stands in the variables of :func:`carry` and in one `Outbound`; plugins see the
exchange. Between the server and the proxy stands one coroutine on the way in, and one for each message on the way out:
with many requests in flight each costs every one of them a turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from proxystore.asgi.answering import respond
from proxystore.asgi.asking import Question
from proxystore.asgi.deciding import decide
from proxystore.asgi.outbound import Outbound
from proxystore.exchange import ClientGone
from proxystore.ledger import Begin
from proxystore.values import Principal
from proxystore.wire import readable_encodings, rough_input_tokens

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from proxystore.asgi.house import House
    from proxystore.exchange import Exchange, Request
    from proxystore.exchange.asgi import Receive, Scope, Send

_NOBODY: Final = Principal()


def carry(house: House, scope: Scope, path: str, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
    """Carry a request to its end; nothing happens before this is awaited."""
    exchange = house.exchange(scope, path, receive)
    return _carry(house, exchange, Outbound(house, exchange, send))


async def _carry(house: House, exchange: Exchange, outbound: Outbound, *, is_decided: bool = False) -> None:
    request = exchange.request
    is_left_to_a_task = False
    try:
        answer = None if is_decided else await decide(house, exchange)
        if answer is not None:
            await respond(house, exchange, outbound, answer)
        elif outbound.disconnect == "drain" and request.is_claimed and not is_decided:
            is_left_to_a_task = True
            await house.draining.carry(house, _carry(house, exchange, outbound, is_decided=True), request)
        else:
            question = _prepare(house, exchange)
            outbound.is_asked = question is not None
            await house.app(request.scope, request.body.receive, outbound.send)
            if question is not None and outbound.is_refused:
                await _ask_without(question, house, exchange, outbound)
    except ClientGone as error:  # before its request was complete: nobody waits for an answer
        exchange.error = error
    except BaseException as error:
        if not is_left_to_a_task:
            exchange.error = error
        raise
    finally:
        if not is_left_to_a_task:
            if not outbound.is_recorded:
                outbound.break_off()
            if house.chains.on_response is not None:
                await outbound.observe()


def _prepare(house: House, exchange: Exchange) -> Question | None:
    """Make the request what the proxy shall see and write down that it is on its way; return what we ask besides."""
    request = exchange.request
    if exchange.response.wanted_edit is not None:
        request.remove_header(b"accept-encoding")
        request.remove_extension("http.response.pathsend")  # what is sent from a file does not come by here
    elif request.is_claimed and house.chains.on_usage is not None:
        _ask_for_what_can_be_read(request)
    question = Question.put(house, request) if request.is_claimed else None
    if exchange.is_journaled:
        house.store.ledger.begin(begin_of(exchange, is_free=house.settings.crash_bill == "zero"))
    request.is_dispatched = True
    return question


def _ask_for_what_can_be_read(request: Request) -> None:
    """Tell the proxy only of encodings that a meter can unpack: no caller may choose that nothing is counted."""
    offered = request.joined_header(b"accept-encoding")
    if offered is not None and (readable := readable_encodings(offered)) != offered:
        request.set_header(b"accept-encoding", readable)


async def _ask_without(question: Question, house: House, exchange: Exchange, outbound: Outbound) -> None:
    """Ask again as the client did, for the server has refused what we added."""
    request = exchange.request
    question.take_back()
    outbound.is_asked = outbound.is_refused = False
    await house.app(request.scope, request.body.receive, outbound.send)
    if (exchange.response.status or 500) < 400:  # it was the field that was refused
        house.remember_refusal(request.path)


def begin_of(exchange: Exchange, *, is_free: bool = False) -> Begin:
    """Return what is written down of *exchange* before the proxy is asked.

    Args:
        exchange: On its way.
        is_free: Whether it costs nothing if this process dies before its end.
    """
    request, who = exchange.request, exchange.principal or _NOBODY
    call = request.call
    return Begin(
        event_id=exchange.id,
        project_id=who.project_id,
        key_id=who.key_id,
        provider_name=request.provider_name,
        operation_name=call.operation_name,
        request_model=call.request_model,
        hold=exchange.reservation.hold if exchange.reservation is not None else None,
        input_tokens=rough_input_tokens(request.readable_body),
        output_tokens=call.max_output_tokens or 0,
        is_free=is_free or not call.is_billable,
    )
