"""Asking for a stream's usage where the client did not.

OpenAI's chat streams tell their usage only when asked to. The question goes in on the way to the proxy, and the extra
event it causes is taken out again on the way back. A server that refuses the field gets the request as the client
sent it, and is not asked again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from proxystore.asgi.house import House
    from proxystore.exchange import Request

REFUSALS: Final = frozenset({400, 422})


class Question:
    """A question for usage that we have put into a request."""

    __slots__ = ("_before", "_request")

    def __init__(self, request: Request) -> None:
        self._request = request
        self._before = request.snapshot()
        request.replace_body(request.format.ask_for_usage(request.readable_body))
        request.remove_header(b"accept-encoding")  # what comes back has to be readable to be taken out

    @classmethod
    def put(cls, house: House, request: Request) -> Question | None:
        """Ask, if the client did not and the server may be asked."""
        if not request.is_claimed or request.call.wants_usage or not house.may_ask_for_usage(request.path):
            return None
        return cls(request)

    def take_back(self) -> None:
        """Give the request back what the client said."""
        self._request.restore(self._before)
