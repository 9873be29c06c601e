"""What a request says of caches: ``Cache-Control`` as RFC 9111 has it for requests."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from proxystore import Request

_LONGEST: Final = 200
_MOST_SECONDS: Final = 2**31


class Wish(NamedTuple):
    """What is asked of a cache; durations in seconds.

    Attributes:
        max_age: How old an answer may be; ``None`` was not said.
        min_fresh: For how long it has to be good still.
        is_new_wanted: ``no-cache``: not an answer from a cache.
        is_secret: ``no-store``: nothing may be kept.
        is_cached_wanted: ``only-if-cached``: nothing but an answer from a cache.
    """

    max_age: int | None = None
    min_fresh: int = 0
    is_new_wanted: bool = False
    is_secret: bool = False
    is_cached_wanted: bool = False


NONE: Final = Wish()


def wish_in(request: Request) -> Wish:
    """Return what *request* says."""
    told = request.header(b"cache-control")
    if told is None:
        pragma = request.header(b"pragma")
        return NONE if pragma is None or b"no-cache" not in pragma.lower() else Wish(is_new_wanted=True)
    told = b",".join([value for name, value in request.scope["headers"] if name == b"cache-control"])
    return _read(told) if len(told) <= _LONGEST else Wish(is_secret=True)


@lru_cache(maxsize=256)
def _read(told: bytes) -> Wish:
    directives: dict[str, str] = {}
    for part in told.decode("latin-1").lower().split(","):
        name, _, value = part.partition("=")
        directives.setdefault(name.strip(), value.strip().strip('"'))
    max_age = _seconds(directives["max-age"]) if "max-age" in directives else None
    return Wish(
        max_age=max_age,
        min_fresh=_seconds(directives.get("min-fresh", "0")),
        is_new_wanted="no-cache" in directives,
        is_secret="no-store" in directives,
        is_cached_wanted="only-if-cached" in directives,
    )


def _seconds(text: str) -> int:
    """Return a number of seconds; what is none counts as stale at once."""
    return min(int(text), _MOST_SECONDS) if text.isascii() and text.isdigit() else 0
