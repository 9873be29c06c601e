"""Do locks lock? On some network and FUSE file systems they do nothing, and two writers would both go on."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from proxystore.directories import existing
from proxystore.doctor.finding import Finding, ok, problem
from proxystore.doctor.places import directories
from proxystore.settings import Settings

_MEND: Final = "set PROXYSTORE_DATA_DIR, and the SQLite file, to a local disk"
_ALONE: Final = fcntl.LOCK_EX | fcntl.LOCK_NB


def check(settings: Settings) -> Iterator[Finding]:
    """Lock each directory of ours twice, which must fail the second time; no file is made for it."""
    for place in map(existing, directories(settings)):
        try:
            does_lock = _does_lock(place)
        except OSError as error:
            yield problem("locks", f"locks cannot be had in {place}: {error.strerror}", _MEND)
            continue
        if does_lock:
            yield ok("locks", f"locks hold in {place}")
        else:
            yield problem("locks", f"locks have no effect in {place}", _MEND)


def _does_lock(place: Path) -> bool:
    with ExitStack() as stack:
        files = [os.open(place, os.O_RDONLY) for _ in range(2)]
        for file in files:
            stack.callback(os.close, file)
        return not (_lock(files[0]) and _lock(files[1]))  # the first may be another doctor's


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, _ALONE)
    except BlockingIOError:
        return False
    return True
