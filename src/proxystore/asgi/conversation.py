"""A WebSocket whose messages are understood: each request on it is an exchange like any other."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from proxystore.asgi.deciding import decide
from proxystore.asgi.passage import begin_of
from proxystore.asgi.turn import Turn
from proxystore.values import Answer, Denial

if TYPE_CHECKING:
    from proxystore.asgi.house import House
    from proxystore.exchange.asgi import Message, Scope, Send
    from proxystore.wire import SocketFormat

_log: Final = logging.getLogger(__name__)


class Conversation:
    """The turns of one connection.

    Args:
        house: Where it comes from.
        scope: Of the connection, as the server made it: who is calling is asked anew for each request, so that a key
            that was revoked, or has expired, is of no use on a connection that is still open.
        path: As the client called it.
        socket: What is spoken.
        send: The server's.
    """

    __slots__ = ("_house", "_open", "_path", "_scope", "_send", "_socket")

    def __init__(self, house: House, scope: Scope, path: str, socket: SocketFormat, send: Send) -> None:
        self._house = house
        self._scope = scope
        self._path = path
        self._socket = socket
        self._send = send
        self._open: list[Turn] = []

    async def take(self, message: Message) -> Message | None:
        """Take a message of the client's; return what the proxy shall see, ``None`` if it was refused."""
        said = data_of(message)
        asked = self._socket.request_in(said)
        if asked is None:
            return message
        turn = self._turn(asked)
        exchange = turn.exchange
        try:
            decision = await decide(self._house, exchange)
        except BaseException as error:
            turn.break_off(is_gone=False, error=error)
            raise
        if isinstance(decision, Denial):
            await self._refuse(turn, decision)
            return None
        if isinstance(decision, Answer):  # a plugin that knows no WebSockets, such as a cache
            _log.debug("an answer in the proxy's place cannot be given over a WebSocket: the proxy is asked")
            exchange.decided_by = None
        if exchange.is_journaled:
            self._house.store.ledger.begin(begin_of(exchange, is_free=self._house.settings.crash_bill == "zero"))
        exchange.request.is_dispatched = True
        self._open.append(turn)
        edited = exchange.request.body.whole
        if edited is None or edited is asked:
            return message
        return {"type": message["type"], "text": self._socket.message_for(edited).decode()}

    async def give(self, message: Message) -> None:
        """Send a message of the proxy's; the turn that it ends is recorded before the client sees it."""
        if not self._open:
            await self._send(message)
            return
        turn, said = self._open[0], data_of(message)
        await turn.hear(said, says_more=self._socket.says_more(said))
        if turn.is_recorded:
            self._open.remove(turn)
            await self._commit(turn, message)
        else:
            await self._send(message)

    async def break_off(self, *, is_gone: bool, error: BaseException | None = None) -> None:
        """Record the turns that will not come to their end."""
        turns, self._open = self._open, []
        for turn in turns:
            turn.break_off(is_gone=is_gone, error=error)
            await turn.observe()

    def _turn(self, asked: bytes) -> Turn:
        pieces: list[Message] = [{"type": "http.request", "body": asked}]

        async def receive() -> Message:
            return pieces.pop()

        exchange = self._house.exchange({**self._scope}, self._path, receive, self._socket.format)
        return Turn(self._house, exchange, self._socket)

    async def _refuse(self, turn: Turn, denial: Denial) -> None:
        turn.exchange.denial, turn.exchange.response.status = denial, denial.status
        turn.record("refused")
        await self._commit(turn, {"type": "websocket.send", "text": self._socket.refuse(denial).decode()})

    async def _commit(self, turn: Turn, message: Message) -> None:
        if turn.is_awaited:
            await turn.commit()
        await self._send(message)
        await turn.observe()


def data_of(message: Message) -> bytes:
    """Return what a message says."""
    text: str | None = message.get("text")
    return text.encode() if text is not None else message.get("bytes") or b""
