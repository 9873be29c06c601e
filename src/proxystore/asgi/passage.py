"""One HTTP exchange on its way through the house."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxystore.asgi.asking import Question
from proxystore.asgi.cors import with_cors
from proxystore.asgi.deciding import decide
from proxystore.asgi.ending import Ending
from proxystore.asgi.outbound import Outbound
from proxystore.asgi.refusing import worded
from proxystore.exchange import ClientGone, Exchange
from proxystore.ledger import Begin
from proxystore.values import Answer, Denial

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable

    from proxystore.asgi.house import House
    from proxystore.exchange.asgi import Receive, Scope, Send


class Passage:
    """Holds what only the way through needs; plugins see its exchange."""

    __slots__ = ("_ending", "_exchange", "_house", "_outbound")

    def __init__(self, house: House, scope: Scope, path: str, receive: Receive, send: Send) -> None:
        self._house = house
        self._exchange = house.exchange(scope, path, receive)
        self._ending = Ending(house, self._exchange)
        self._outbound = Outbound(self._exchange, self._ending, send, house.settings.disconnect)

    async def run(self) -> None:
        """Carry the exchange through the house."""
        draining = self._house.draining
        if draining is not None and self._exchange.request.is_claimed:
            await draining.carry(self._house, self._run(), self._exchange.request)
        else:
            await self._run()

    async def _run(self) -> None:
        try:
            answer = await decide(self._house, self._exchange)
            if answer is None:
                await self._dispatch()
            elif isinstance(answer, Denial):
                await self._refuse(answer)
            else:
                await self._answer(answer)
        except ClientGone as error:  # before its request was complete: nobody waits for an answer
            self._exchange.error = error
        except BaseException as error:
            self._exchange.error = error
            raise
        finally:
            self._outbound.break_off()
            await self._ending.observe()

    async def _dispatch(self) -> None:
        exchange, request = self._exchange, self._exchange.request
        if exchange.response.wanted_edit is not None:
            request.remove_header(b"accept-encoding")
        question = Question.put(self._house, request)
        if exchange.is_journaled:
            self._house.store.ledger.begin(_begin(exchange))
        self._outbound.is_asked = question is not None
        await self._call_proxy()
        if question is not None and self._outbound.is_refused:
            question.take_back()
            self._outbound.is_asked = self._outbound.is_refused = False
            await self._call_proxy()
            if (exchange.response.status or 500) < 400:  # it was the field that was refused
                self._house.remember_refusal(request.path)

    async def _call_proxy(self) -> None:
        request = self._exchange.request
        request.seal()
        await self._house.app(request.scope, request.receive, self._outbound.send)

    async def _refuse(self, denial: Denial) -> None:
        exchange = self._exchange
        exchange.denial, exchange.outcome = denial, "refused"
        headers, body = worded(denial, exchange.request)
        await self._respond(denial.status, headers, [body])

    async def _answer(self, answer: Answer) -> None:
        exchange = self._exchange
        exchange.outcome, exchange.usage = answer.outcome, answer.usage
        await self._respond(answer.status, answer.headers, answer.chunks)

    async def _respond(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], chunks: Iterable[bytes] | AsyncIterable[bytes]
    ) -> None:
        send = self._outbound.send
        self._outbound.is_metered = False
        headers = with_cors(headers, self._exchange.request, self._house.settings.cors_origins)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        async for chunk in _each(chunks):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _each(chunks: Iterable[bytes] | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    if hasattr(chunks, "__aiter__"):
        async for chunk in chunks:
            yield chunk
    else:
        for chunk in chunks:
            yield chunk


def _begin(exchange: Exchange) -> Begin:
    request, who = exchange.request, exchange.principal
    call = request.call
    return Begin(
        event_id=exchange.id,
        project_id=who.project_id if who is not None else None,
        key_id=who.key_id if who is not None else None,
        provider_name=request.format.name.partition(".")[0],
        operation_name=call.operation_name,
        request_model=call.request_model,
    )
