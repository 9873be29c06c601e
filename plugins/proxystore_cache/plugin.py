"""The plugin: answer from the cache, or keep what the proxy answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import msgspec
from pydantic import BaseModel, Field

from proxystore import Answer, Denial, Exchange, Principal, hookimpl
from proxystore_cache import keeping
from proxystore_cache.keys import Scope, Telling, canonical, key_of, tenant_of
from proxystore_cache.replaying import BYPASS, MISS, NOT_CACHED, REFRESH, replay
from proxystore_cache.wishes import NONE, Wish, wish_in

if TYPE_CHECKING:
    import typer

    from proxystore import Flight, Space, Store

SPACE: Final = "responses"

_NAME: Final = "cache"
_LARGE: Final = 64 * 1024
_LONGEST_NAME: Final = 150
_STATEFUL: Final = ("conversation", "previous_response_id")


class _Miss(NamedTuple):
    """What is to become of an answer that the proxy gives.

    Attributes:
        key: What it is kept under.
        seconds: For how many.
        flight: Those who wait for it.
        edit: What is made of a hit as well: it was asked for by a plugin that is asked before the cache is.
    """

    key: bytes
    seconds: float
    flight: Flight | None
    edit: object


class Cache:
    """The same answer to the same question, for a time: exactly the same, and to the same tenant."""

    class Settings(BaseModel, frozen=True, extra="forbid"):
        """The section ``[plugin.cache]``.

        Attributes:
            mode: Which requests are answered from the cache: those that ask for it (``Cache-Control: max-age``, or a
                ``cache_ttl`` of their key or project), also those whose answer is always the same (temperature 0, a
                seed, embeddings), or all.
            scope: Who shares answers: each key has its own, those of a project share theirs, or all share all.
            ttl: For how many seconds an answer is good where nobody says otherwise.
            max_ttl: For how many at most, whatever a request asks for.
            max_object_bytes: Longer answers are not kept.
            tool_calls: Whether answers are kept that ask for a tool to be called.
            ignore_headers: Further request headers that change no answer.
            wait: For how many seconds a request waits for another one that has asked the same; 0 does not wait.
        """

        mode: Literal["opt_in", "deterministic", "all"] = "opt_in"
        scope: Scope = "project"
        ttl: float = Field(3600.0, gt=0)
        max_ttl: float = Field(7 * 86_400.0, gt=0)
        max_object_bytes: int = Field(1024 * 1024, gt=0, le=16 * 1024 * 1024 - 65_536)
        tool_calls: bool = False
        ignore_headers: tuple[str, ...] = ()
        wait: float = Field(30.0, ge=0)

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or self.Settings()
        self._telling = Telling([name.strip().lower().encode("latin-1") for name in self._settings.ignore_headers])
        self._is_always_asked = self._settings.mode != "opt_in"

    @hookimpl
    async def on_startup(self, store: Store) -> None:
        """Open the files if there are any, so that the first request need not; it makes them where there are none."""
        if SPACE in store.cache.names():
            await store.cache.space(SPACE).open()

    @hookimpl
    def on_request(self, exchange: Exchange, store: Store) -> Awaitable[Answer | Denial | None] | None:
        """Answer from the cache, or take note of what to do with the proxy's answer."""
        request, who = exchange.request, exchange.principal
        wish = wish_in(request)
        if wish is NONE and not self._is_always_asked and (who is None or who.cache_ttl is None):
            return None  # nearly all: not even a coroutine is made
        if not request.is_claimed or request.is_websocket:  # there, no answer can be given in the proxy's place
            return None
        return self._decide(exchange, store, wish)

    @hookimpl
    def on_response(self, exchange: Exchange, store: Store) -> Awaitable[None] | None:
        """Keep a whole answer, and let those who wait for it go on."""
        miss: _Miss | None = exchange.state.pop(_NAME, None)
        return None if miss is None else self._settle(exchange, store, miss)

    @hookimpl
    def register_commands(self, cli: typer.Typer) -> None:
        """Add ``proxystore cache``."""
        from proxystore_cache.commands import cache  # a server has no use for them

        cli.add_typer(cache, name="cache")

    async def _settle(self, exchange: Exchange, store: Store, miss: _Miss) -> None:
        is_kept = False
        try:
            if exchange.response.wanted_edit is miss.edit and keeping.is_whole(exchange):
                is_kept = await self._keep(exchange, store.cache.space(SPACE), miss)
        finally:
            if miss.flight is not None:
                # A client that left, or was refused, says nothing of what the next one will be answered.
                miss.flight.end(is_hopeless=not is_kept and exchange.outcome in ("complete", "failed"))

    # -- asking ---------------------------------------------------------------------------------------------------

    async def _decide(self, exchange: Exchange, store: Store, wish: Wish) -> Answer | Denial | None:
        who = exchange.principal
        is_closed = wish.is_secret or (who is not None and who.cache_ttl == 0)
        asked = None if is_closed else await self._asked(exchange)
        if asked is None:
            return self._bypass(exchange, wish)
        if not self._is_wanted(exchange, wish, asked[0]):
            return None
        space = store.cache.space(SPACE)
        key = key_of(exchange, tenant_of(who, self._settings.scope), asked[1], self._telling)
        if wish.is_new_wanted:
            self._ask(exchange, key, wish, space.flights.lead(key))
            return None
        found = self._replayed(exchange, space.recall(key), wish)
        if found is not None:
            return found
        if wish.is_cached_wanted:
            return await self._find(exchange, space, key, wish) or NOT_CACHED
        return await self._find_or_lead(exchange, space, key, wish)

    async def _find_or_lead(self, exchange: Exchange, space: Space, key: bytes, wish: Wish) -> Answer | None:
        """Ask the disk, and then the proxy; or wait for who does so already, and ask when that one gives up."""
        until = time.monotonic() + self._settings.wait
        has_waited, is_worth_it = False, True
        while True:
            flight = space.flights.lead(key) if is_worth_it else None  # first: who was before has kept it by then
            try:
                found = await self._find(exchange, space, key, wish, is_collapsed=has_waited)
            except BaseException:
                _end(flight)
                raise
            if found is not None:
                _end(flight)
                return found
            if flight is not None or not is_worth_it:
                self._ask(exchange, key, wish, flight)
                return None
            is_worth_it = await space.flights.follow(key, until - time.monotonic())
            has_waited = True

    async def _find(
        self, exchange: Exchange, space: Space, key: bytes, wish: Wish, *, is_collapsed: bool = False
    ) -> Answer | None:
        value = space.get(key) if is_collapsed else space.read(key)
        if value is None and space.is_worth_fetching:
            value = await space.fetch(key)
        return self._replayed(exchange, value, wish, is_collapsed=is_collapsed)

    def _replayed(
        self, exchange: Exchange, value: bytes | None, wish: Wish, *, is_collapsed: bool = False
    ) -> Answer | None:
        """Return *value* as an answer, if it is young enough for who asks."""
        if value is None:
            return None
        try:
            kept = keeping.decode(value)
        except msgspec.MsgspecError:  # of another release
            return None
        age = max(0, int(time.time() - kept.created_us / 1e6))
        ttl = min(int(kept.seconds), int(self._seconds(exchange.principal, wish))) - age
        if (wish.max_age is not None and age > wish.max_age) or ttl < wish.min_fresh:
            return None
        return replay(exchange, kept, age=age, ttl=ttl, is_collapsed=is_collapsed)

    def _ask(self, exchange: Exchange, key: bytes, wish: Wish, flight: Flight | None) -> None:
        """Let the proxy answer, and see to it that its answer can be kept."""
        exchange.state[_NAME] = _Miss(
            key, self._seconds(exchange.principal, wish), flight, exchange.response.wanted_edit
        )
        exchange.response.keep(self._settings.max_object_bytes)
        exchange.response.added_headers.extend(REFRESH if wish.is_new_wanted else MISS)
        if (exchange.request.header(b"accept-encoding") or b"identity") != b"identity":
            exchange.request.remove_header(b"accept-encoding")  # what is kept has to be readable, by anybody

    def _bypass(self, exchange: Exchange, wish: Wish) -> Denial | None:
        if wish.is_cached_wanted:
            return NOT_CACHED
        exchange.response.added_headers.extend(BYPASS)
        return None

    # -- judging --------------------------------------------------------------------------------------------------

    async def _asked(self, exchange: Exchange) -> tuple[dict[str, Any], bytes] | None:
        """Return what is asked, and its one form; ``None`` where the answer is not for the next one."""
        request = exchange.request
        if request.method != "POST" or request.header(b"content-encoding") is not None:
            return None
        model = request.call.request_model
        if (request.header(b"content-type") or b"").lower().startswith(b"multipart/") or not _is_plain(model):
            return None
        found = canonical(await request.read())
        if found is None or found[0].get("background") or any(found[0].get(name) for name in _STATEFUL):
            return None
        return found

    def _is_wanted(self, exchange: Exchange, wish: Wish, asked: dict[str, Any]) -> bool:
        who, mode = exchange.principal, self._settings.mode
        if mode == "all" or wish.max_age is not None or wish.is_cached_wanted:
            return True
        if who is not None and who.cache_ttl is not None:
            return True
        return mode == "deterministic" and (exchange.request.call.operation_name == "embeddings" or _is_settled(asked))

    def _seconds(self, who: Principal | None, wish: Wish) -> float:
        own = who.cache_ttl if who is not None else None
        seconds = self._settings.ttl if own is None else own
        return min(max(seconds, wish.max_age or 0), self._settings.max_ttl)

    async def _keep(self, exchange: Exchange, space: Space, miss: _Miss) -> bool:
        response = exchange.response
        is_private = self._settings.scope == "key"
        seconds = keeping.lifetime(response, miss.seconds, self._telling, is_private=is_private)
        if seconds <= 0:
            return False
        if sum(map(len, response.chunks)) > _LARGE:
            value = await asyncio.to_thread(self._value, exchange, seconds)
        else:
            value = self._value(exchange, seconds)
        if value is None:
            return False
        return await space.set(miss.key, value, ttl=seconds, tags=_tags(exchange), asked_ns=exchange.started_ns)

    def _value(self, exchange: Exchange, seconds: float) -> bytes | None:
        if not self._settings.tool_calls and keeping.has_tools(exchange.response):
            return None
        return keeping.kept(exchange, time.time_ns() // 1000, seconds)


def _end(flight: Flight | None) -> None:
    if flight is not None:
        flight.end()


def _is_settled(asked: dict[str, Any]) -> bool:
    """Return whether the same answer comes each time: nothing is drawn by lot, or the lot is."""
    places = (asked, asked.get("generationConfig"), asked.get("generation_config"), asked.get("options"))
    return any(
        isinstance(place, dict) and (place.get("seed") is not None or _is_zero(place.get("temperature")))
        for place in places
    )


def _is_zero(temperature: object) -> bool:
    return isinstance(temperature, int | float) and not isinstance(temperature, bool) and temperature == 0


def _is_plain(model: str | None) -> bool:
    return model is None or (len(model) <= _LONGEST_NAME and model.isprintable())


def _tags(exchange: Exchange) -> tuple[str, ...]:
    who, model = exchange.principal, exchange.request.call.request_model
    found = {
        "model": model,
        "project": who.project_id if who is not None else None,
        "key": who.key_id if who is not None else None,
    }
    return tuple(f"{kind}:{name}" for kind, name in found.items() if name)
