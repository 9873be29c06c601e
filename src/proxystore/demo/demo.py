"""The demo from beginning to end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Final

import msgspec

from proxystore.asgi import ProxyStoreMiddleware
from proxystore.demo.traffic import drive
from proxystore.errors import ProxyStoreError
from proxystore.exchange.asgi import ASGIApp
from proxystore.forwarding import ReverseProxy
from proxystore.records import UsageEvent
from proxystore.settings import ForwardSettings, Settings, UpstreamURL
from proxystore.store import Store
from proxystore.testing.serving import serving
from proxystore.testing.upstream import FakeUpstream

_PAUSE: Final = 0.005  # seconds between the words of an answer, so that a stream is one
_LONGEST: Final = timedelta(hours=1)
_ACTOR: Final = "cli:demo"
_LONGEST_DRAIN: Final = 30.0  # another process of this host may be the one that writes


class DemoFailed(ProxyStoreError):
    """The demo could not be shown."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the store knows of all requests that named one model and ended alike.

    Attributes:
        model: The one that was asked for.
        status: HTTP's.
        requests: How many there were.
        input_tokens: Of all of them, and so on.
        output_tokens: Generated.
        latency_ms: The median of their durations.
    """

    model: str
    status: int
    requests: int
    input_tokens: int
    output_tokens: int
    latency_ms: int


async def run_demo(
    settings: Settings, *, requests: int, port: int, on_start: Callable[[str], object], on_done: Callable[[int], None]
) -> list[Outcome]:
    """Make a key, serve a proxy wrapped by the middleware, send it traffic, stop it, and read back what was used.

    Args:
        settings: Of the middleware, and of the store that reads.
        requests: How many to make.
        port: Where the proxy listens; 0 is any.
        on_start: Told the proxy's URL.
        on_done: Told ``1`` after each request.

    Raises:
        DemoFailed: The proxy could not be served, or the database is in memory.
    """
    if settings.url.is_in_memory:
        raise DemoFailed("the demo reads the database after the proxy has gone, and a database in memory goes with it")
    began_at = datetime.now(UTC) - timedelta(milliseconds=1)  # an event's time is as exact as its id: milliseconds
    async with Store(settings=settings) as store:
        key = await store.keys.create(name="demo", expires_at=began_at + _LONGEST, actor=_ACTOR)
    with serving(FakeUpstream(delay=_PAUSE)) as upstream:
        bare = ReverseProxy(ForwardSettings(url=UpstreamURL.parse(upstream)))
        proxy = ProxyStoreMiddleware(bare, settings=settings)
        with _serving(proxy, port) as url:
            on_start(url)
            await drive(url, key.secret, requests, on_done)
    # The proxy is gone; another store finds in the database what it left there.
    async with Store(settings=settings) as store:
        await store.keys.delete(key.record.id, actor=_ACTOR)
        await store.ledger.drain(_LONGEST_DRAIN)
        events = await store.usage.list(limit=requests)
    return gathered([event for event in events if event.started_at >= began_at])


@contextmanager
def _serving(proxy: ASGIApp, port: int) -> Iterator[str]:
    with ExitStack() as stack:
        try:
            url = stack.enter_context(serving(proxy, port=port, lifespan="on", access_log=False))
        except OSError as error:
            raise DemoFailed(f"port {port} cannot be used: {error.strerror}") from error
        except RuntimeError as error:
            raise DemoFailed("the proxy did not start; what it said stands above") from error
        yield url


def gathered(events: Sequence[UsageEvent]) -> list[Outcome]:
    """Return *events* by model and status, the most requests first."""
    alike: dict[tuple[str, int], list[UsageEvent]] = defaultdict(list)
    for event in events:
        alike[event.request_model or "", event.status].append(event)
    outcomes = [_outcome(model, status, group) for (model, status), group in alike.items()]
    return sorted(outcomes, key=lambda outcome: (-outcome.requests, outcome.model, outcome.status))


def _outcome(model: str, status: int, events: Sequence[UsageEvent]) -> Outcome:
    return Outcome(
        model=model,
        status=status,
        requests=len(events),
        input_tokens=sum(event.input_tokens for event in events),
        output_tokens=sum(event.output_tokens for event in events),
        latency_ms=round(median(event.latency_ms for event in events)),
    )
