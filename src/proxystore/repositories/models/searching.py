"""Finding names that are like what somebody types; outside of the database, so that all of them find the same."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from proxystore.records.models import ModelMatch


def matches(text: str, known: Iterable[ModelMatch], limit: int) -> list[ModelMatch]:
    """Return those of *known* whose names are most like *text*; what contains it comes before what resembles it."""
    from rapidfuzz import fuzz, process, utils  # takes its time: for who searches

    wanted = utils.default_process(text)
    by_name = {one.name: one for one in known}
    cleaned = {name: utils.default_process(name) for name in by_name}
    found = process.extract(wanted, cleaned, scorer=fuzz.WRatio, processor=None, limit=None, score_cutoff=60)
    scored = [(_score(text, name, score), name) for _, score, name in found]
    scored.sort(key=lambda pair: (-pair[0], len(pair[1]), pair[1]))
    return [msgspec.structs.replace(by_name[name], score=round(score, 1)) for score, name in scored[:limit]]


def _score(text: str, name: str, score: float) -> float:
    """Return 100 where *name* is what was typed; less where it only contains, and less again where it resembles it."""
    typed, known = text.lower(), name.lower()
    if typed == known:
        return 100.0
    if typed in known:
        return 90.0 + 9.0 * len(typed) / len(known)
    return score * 0.9
