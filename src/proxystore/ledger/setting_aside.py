"""Where entries go that the database cannot hold: a file beside the segments, a line each, for people to look at."""

from __future__ import annotations

import logging
import os
from base64 import b64encode
from pathlib import Path
from typing import Final

import msgspec

from proxystore.ledger.tail import Item

SUFFIX: Final = ".bad"
_log: Final = logging.getLogger(__name__)


def set_aside(directory: Path, item: Item, reason: str) -> None:
    """Write *item* down, before the segment it came from is read past it.

    Raises:
        OSError: It could not be written: try again, the segment still has it.
    """
    path = directory / f"{item.segment_id}{SUFFIX}"
    line = {"reason": reason, "end": item.end, "entry": item.entry, "raw": b64encode(item.raw or b"").decode()}
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "wb") as file:
        file.write(msgspec.json.encode(line) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    _log.error("a usage entry was set aside in %s: %s", path, reason)
