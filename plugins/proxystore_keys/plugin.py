"""The plugin: says who is calling, or no."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from proxystore import Denial, Exchange, Principal, Request, Settings, StoreError, hookimpl
from proxystore_keys.denials import (
    BY_STANDING,
    INVALID,
    MISSING,
    NOT_OPEN,
    UNAVAILABLE,
    UNREADABLE,
    forbidden,
    with_hint,
)
from proxystore_keys.models import LONGEST_LIST, asked_for, is_list, narrowed
from proxystore_keys.naming import models_of
from proxystore_keys.places import Places, Shown
from proxystore_keys.public import Public
from proxystore_keys.unknown import is_closed, is_managing

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from proxystore import KnownKey, Store

logger = logging.getLogger(__name__)

_AUTHORIZATION: Final = b"authorization"
_BEARER: Final = b"Bearer "
_ASKING_ONLY: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Keys:
    """Who is calling, by their key, and which models they may use.

    Asked last, so that other plugins may know a caller first: it is the one that says no.
    """

    def __init__(self) -> None:
        self._configure(Settings())

    def _configure(self, settings: Settings) -> None:
        self._auth = settings.auth
        self._own = settings.key_header.encode()
        self._places = Places(self._own)
        self._public = Public(settings.public_paths)
        self._unknown_paths = settings.unknown_paths
        given = settings.app_authorization
        self._app_authorization = None if given is None else given.get_secret_value().encode()

    @hookimpl
    async def on_startup(self, store: Store) -> None:
        """Take the settings of *store*; say so where nobody can get in."""
        self._configure(store.settings)
        if self._auth == "require" and not (await store.keyring.facts()).has_keys:
            logger.warning(
                "every request needs an API key, and there is none yet: "
                "make one with `proxystore keys create NAME`, or set PROXYSTORE_AUTH=observe"
            )

    @hookimpl(trylast=True)
    def on_auth(
        self, exchange: Exchange, store: Store
    ) -> Principal | Denial | Awaitable[Principal | Denial | None] | None:
        """Say who is calling; refuse who needs a key and has none that is good."""
        if self._auth == "off":
            return None
        request = exchange.request
        known = self._usual(request, store)
        if known is None:
            return self._authenticate(exchange, store)
        if self._unknown_paths != "allow" and self._is_closed(request):
            exchange.principal = known.principal
            return NOT_OPEN
        if not known.is_foreign:  # else the proxy knows it
            self._hide(request, _AUTHORIZATION)
        return known.principal

    @hookimpl(tryfirst=True)
    def on_request(self, exchange: Exchange, store: Store) -> Awaitable[Denial | None] | None:
        """Refuse models that the key may not use, and requests of limited keys that do not tell theirs plainly."""
        who = exchange.principal
        if who is None or (who.models is None and not _is_limited_by_money(who)):
            return None
        return self._authorize(exchange, who, store)

    async def _authenticate(self, exchange: Exchange, store: Store) -> Principal | Denial | None:
        request = exchange.request
        is_public = self._public.holds(request)
        try:
            shown, known = await self._find(request, store, is_public=is_public)
            if known is None or shown is None:
                return None if is_public else await self._stranger(shown, store)
        except StoreError:
            return None if is_public else UNAVAILABLE
        standing = known.standing()
        if standing != "valid":
            exchange.principal = known.principal  # who it was is known, and told with the refusal
            return None if is_public else BY_STANDING[standing]
        if self._is_closed(request):
            exchange.principal = known.principal
            return NOT_OPEN
        self._let_in(request, shown, known)
        return known.principal

    async def _authorize(self, exchange: Exchange, who: Principal, store: Store) -> Denial | None:
        request = exchange.request
        if request.method in _ASKING_ONLY and not request.is_websocket:
            return self._asks(exchange, who)
        if is_managing(request):
            return NOT_OPEN
        models = await models_of(request, with_fallbacks=who.models is not None)
        if not models or (who.models is None and len(models) > 1):
            return UNREADABLE if request.call.is_billable else None
        for model in sorted(models):
            if not _may_use(who, model) and not await _stands_for_what_it_may_use(exchange, who, model, store):
                return forbidden(model)
        return None

    def _is_closed(self, request: Request) -> bool:
        return is_closed(request, self._unknown_paths) and not self._public.holds(request)

    def _usual(self, request: Request, store: Store) -> KnownKey | None:
        """Return a good key that is remembered, and stands where keys usually do; nothing of this waits."""
        value = request.header(_AUTHORIZATION)
        if value is None or value[:7] != _BEARER or self._places.are_more(request):
            return None
        known = store.keyring.recall(value[7:])
        if known is None or known.standing() != "valid":
            return None
        # On a public path a credential of others is nothing that is looked for.
        return None if known.is_foreign and self._public.holds(request) else known

    async def _find(self, request: Request, store: Store, *, is_public: bool) -> tuple[Shown | None, KnownKey | None]:
        """Return the credential that decides who is calling, and the key that it is, if it is one.

        A key of ours is told by its form, so that it is found among the credentials of others. What none of them is
        may still be a key that was imported, where there are such.
        """
        keyring = store.keyring
        others = []
        for shown in self._places.look(request):
            if keyring.is_ours(shown.secret):
                known = await keyring.find(shown.secret)
                if known is not None or self._auth == "require":
                    return shown, known
            others.append(shown)
            if shown.kind == "own":
                break  # it is for us, whatever it is
        if others and not is_public and (await keyring.facts()).has_foreign:
            for shown in others:
                known = await keyring.find(shown.secret)
                if known is not None:
                    return shown, known
        return (others[0] if others else None), None

    async def _stranger(self, shown: Shown | None, store: Store) -> Principal | Denial | None:
        """Say what becomes of who has no key of ours."""
        if self._auth == "observe":
            return None if shown is None else Principal(key_id=store.keyring.fingerprint(shown.secret))
        denial = MISSING if shown is None else INVALID
        return denial if (await store.keyring.facts()).has_keys else with_hint(denial)

    def _let_in(self, request: Request, shown: Shown, known: KnownKey) -> None:
        """Hide a key of ours from the proxy, wherever it stands, and give it what it knows instead."""
        if known.is_foreign:  # the proxy knows it
            if shown.kind == "own":
                self._hide(request, shown.name)
            return
        for each in [*self._places.look(request)]:
            if each.secret != shown.secret:
                continue
            if each.kind in ("own", "header"):
                self._hide(request, each.name)
            else:
                self._places.empty(request, each)
                self._introduce(request)

    def _hide(self, request: Request, header: bytes) -> None:
        """Take a key of ours out of its *header*, and give the proxy what it knows instead."""
        if header == _AUTHORIZATION and self._app_authorization is not None:
            request.set_header(_AUTHORIZATION, self._app_authorization)
            return
        request.remove_header(header)
        self._introduce(request)

    def _introduce(self, request: Request) -> None:
        if self._app_authorization is not None and request.header(_AUTHORIZATION) is None:
            request.set_header(_AUTHORIZATION, self._app_authorization)

    def _asks(self, exchange: Exchange, who: Principal) -> Denial | None:
        """Refuse to tell of a model that the key may not use, and make lists of models shorter."""
        if who.models is None or exchange.request.method != "GET":
            return None
        path = exchange.request.path
        if is_list(path):
            exchange.response.edit(narrowed(lambda model: _may_use(who, model)), LONGEST_LIST)
            return None
        model = asked_for(path)
        return None if model is None or _may_use(who, model) else forbidden(model)


def _may_use(who: Principal, model: str) -> bool:
    return who.models is None or model in who.models


async def _stands_for_what_it_may_use(exchange: Exchange, who: Principal, model: str, store: Store) -> bool:
    """Tell whether *model* is another name, to *who*, of one that they may use."""
    meaning = exchange.model if model == exchange.request.call.request_model else None
    if meaning is None:
        found = await store.catalogue.find(model, exchange.request.format.name)
        meaning = found.of(who.key_id, who.project_id)
    return meaning is not None and _may_use(who, meaning.model)


def _is_limited_by_money(who: Principal) -> bool:
    return any(limit.unit == "nanousd" for limit in who.limits)
