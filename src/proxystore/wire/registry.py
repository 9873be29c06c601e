"""The wire formats of one middleware."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from proxystore.values import Call
from proxystore.wire.format import WireFormat
from proxystore.wire.paths import canonical
from proxystore.wire.unknown import Unknown

UNKNOWN: Final[WireFormat] = Unknown()
_MOST_REMEMBERED: Final = 1024  # paths are the caller's choice, so both their number
_LONGEST_REMEMBERED: Final = 256  # and their length are bounded


class Route(NamedTuple):
    """All that is known of a request before its body was read, the same for each that goes the same way.

    Attributes:
        format: What it is written in.
        provider_name: Whose API that is, such as ``openai``.
        call: What it asks for, as far as its path tells.
        is_claimed: Whether its format is a known one.
    """

    format: WireFormat
    provider_name: str
    call: Call
    is_claimed: bool

    @classmethod
    def of(cls, format: WireFormat, path: str) -> Route:
        """Return that of a request in *format*."""
        return cls(format, format.name.partition(".")[0], format.read(path, b""), bool(format.paths))


class Formats:
    """Finds the format that a request is written in.

    Args:
        formats: In the order in which they are asked: ``Formats((*from_plugins, *BUILT_IN))``.
    """

    def __init__(self, formats: Iterable[WireFormat]) -> None:
        self._endings = tuple((each, *_matchers(each.paths)) for each in formats)
        self._methods = frozenset[str]().union(*(each.methods for each, *_ in self._endings))
        self._routes: dict[tuple[str, str], Route] = {}

    def find(self, method: str, path: str) -> WireFormat:
        """Return the first format that answers for *method* and *path* (without ``root_path``), else `Unknown`.

        Endings match whole segments. Capitals, slashes at the end or two for one, and the like do not matter, as they
        do not to some servers: a request that the proxy will understand must not pass unread.
        """
        return self.route(method, path).format

    def route(self, method: str, path: str) -> Route:
        """Return what is known of requests like that; see :meth:`find`."""
        if method not in self._methods:
            return _UNKNOWN_ROUTE
        route = self._routes.get((method, path))
        if route is None:
            route = Route.of(self._search(method, canonical(path)), path)
            self._remember(method, path, route)
        return route

    def _search(self, method: str, path: str) -> WireFormat:
        for each, endings, matches in self._endings:
            if method in each.methods and (path.endswith(endings) or any(match(path) for match in matches)):
                return each
        return UNKNOWN

    def _remember(self, method: str, path: str, route: Route) -> None:
        if len(path) > _LONGEST_REMEMBERED:
            return
        if len(self._routes) >= _MOST_REMEMBERED:
            self._routes.clear()
        self._routes[method, path] = route


def _matchers(paths: Iterable[str]) -> tuple[tuple[str, ...], list[Callable[[str], object]]]:
    """Return the endings among *paths*, and what finds those with ``{}`` in them: any text without a slash."""
    whole = [_whole(path.lower()) for path in paths]
    patterns = ["[^/]+".join(map(re.escape, path.split("{}"))) for path in whole if "{}" in path]
    return tuple(path for path in whole if "{}" not in path), [re.compile(rf"{each}\Z").search for each in patterns]


def _whole(ending: str) -> str:
    """Return *ending* so that it matches whole segments only, or from a colon on, as in ``:generateContent``."""
    return ending if ending.startswith(("/", ":")) else f"/{ending}"


_UNKNOWN_ROUTE: Final = Route.of(UNKNOWN, "")
