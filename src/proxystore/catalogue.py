"""What names mean and cost, remembered: looked up before the proxy is called, then reckoned without waiting."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from proxystore.cache import MemoryCache
from proxystore.errors import StoreError
from proxystore.repositories.models import MODEL, ModelRepository, Resolution, Resolved
from proxystore.values import Call, Cost, Usage
from proxystore.wire import estimated_input_tokens

if TYPE_CHECKING:
    from proxystore.changes import Follower
    from proxystore.records import CacheStats
    from proxystore.settings import Settings

Name: TypeAlias = tuple[str, str | None]
"""A name, and the API it was used with: a provider, or a wire format such as ``openai.chat``."""

NOTHING: Final = Resolution(None)
_UNPRICED: Final = Cost()
_PATIENCE: Final = 1.0
_REST: Final = 1.0
_USUAL_OUTPUT: Final = 4096
_log: Final = logging.getLogger(__name__)


class Catalogue:
    """Names to models to prices, as far as this process has been asked for them.

    Whatever changes a model, a price, an alias or a rule, in whatever process, makes it forget everything: they change
    rarely, and one change may give another meaning to many names.

    Args:
        models: Where they are.
        settings: How many, for how long: ``cache_model_size``, ``cache_model_ttl``.
        clock: Seconds that never go back.

    Attributes:
        remembered: What is remembered of a name and its API; for who looks up every request.
    """

    def __init__(
        self, models: ModelRepository, settings: Settings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._models = models
        self._clock = clock
        self._memory: MemoryCache[Name, Resolution] = MemoryCache(
            settings.cache_model_size, settings.cache_model_ttl, clock=clock
        )
        self.remembered: Callable[[Name], Resolution | None] = self._memory.get
        self._asking: dict[Name, asyncio.Task[Resolution]] = {}
        self._epoch = 0
        self._resting_until = float("-inf")

    def follow(self, follower: Follower) -> None:
        """Forget what *follower* says has changed."""
        follower.subscribe(MODEL, self.forget)

    def forget(self, _: str | None = None) -> None:
        """Forget everything; what is being asked for is not kept either, since it may have been read before."""
        self._epoch += 1
        self._memory.clear()

    @property
    def stats(self) -> CacheStats:
        """How often it knew."""
        return self._memory.stats

    def recall(self, name: str, provider: str | None = None) -> Resolution | None:
        """Return what *name* means, ``None`` if that has to be asked for; never waits."""
        return self._memory.get((name, provider))

    async def find(self, name: str, provider: str | None = None) -> Resolution:
        """Return what *name* means to whom; asked of the database where it is not remembered.

        Where the database does not answer in time, nothing is known by that name: a price is no reason to keep a
        request waiting.
        """
        key = name, provider
        known = self._memory.get(key)
        if known is not None:
            return known
        if self._clock() < self._resting_until:
            return NOTHING
        task = self._asking.get(key)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = self._asking[key] = asyncio.get_running_loop().create_task(self._ask(key))
        await asyncio.wait((task,), timeout=_PATIENCE)
        return task.result() if task.done() else NOTHING

    def price(
        self,
        usage: Usage,
        *,
        request_model: str | None,
        provider: str | None = None,
        clients: tuple[str | None, ...] = (),
        at_ns: int | None = None,
    ) -> Cost:
        """Return what *usage* costs, from what is remembered: never waits, and never guesses.

        Args:
            usage: What was used; its ``response_model`` is asked where the request's has no price.
            request_model: The name that was asked for.
            provider: Whose API it was.
            clients: The ids of key and project, whose aliases hold first.
            at_ns: When the request began, nanoseconds since 1970; now if none is given.
        """
        at_ns = time.time_ns() if at_ns is None else at_ns
        for name in (request_model, usage.response_model):
            known = None if name is None else self.recall(name, provider)
            model = None if known is None else known.of(*clients)
            cost = _UNPRICED if model is None else model.tariff.cost(usage, at_ns)
            if cost.nanousd is not None:
                return cost
        return _UNPRICED

    def estimate(
        self, call: Call, body: bytes, *, model: Resolved | None = None, at_ns: int | None = None
    ) -> tuple[int, int | None]:
        """Return how many tokens *call* will use at most, about, and what they cost in nano-dollars.

        A token of input is three bytes of text. Output is what the caller allows, else what the model can, else 4,096.

        Args:
            call: What is asked for.
            body: The request, decoded.
            model: What its model is known as; recalled if it is not given.
            at_ns: When, nanoseconds since 1970; now if none is given.
        """
        if model is None and call.request_model is not None:
            model = (self.recall(call.request_model) or NOTHING).everybody
        given = -(-estimated_input_tokens(body) * 4 // 3)
        allowed = call.max_output_tokens
        if allowed is None:
            allowed = model.max_output_tokens if model is not None else None
        most = _USUAL_OUTPUT if allowed is None else allowed
        if model is None:
            return given + most, None
        at_ns = time.time_ns() if at_ns is None else at_ns
        usage = Usage(input_tokens=given, output_tokens=most)
        cost = model.tariff.cost(usage, at_ns).nanousd
        if cost is None:  # such as of what has no output: embeddings
            cost = model.tariff.cost(Usage(input_tokens=given), at_ns).nanousd
        return given + most, cost

    async def _ask(self, key: Name) -> Resolution:
        epoch = self._epoch
        name, provider = key
        try:
            found = await self._models.resolution(name, provider=provider and provider.partition(".")[0])
        except StoreError as error:
            self._resting_until = self._clock() + _REST
            _log.warning("the price of %r is not known, for the database does not tell: %s", name, error)
            return NOTHING
        except Exception:  # noqa: BLE001  whatever is wrong with a price, the request goes on
            self._resting_until = self._clock() + _REST
            _log.exception("the price of %r could not be looked up", name)
            return NOTHING
        finally:
            self._asking.pop(key, None)
        if epoch == self._epoch:
            self._memory.put(key, found)
        return found
