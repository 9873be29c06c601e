"""Where damaged pieces of segments go: a file each beside them, for people to look at."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Final

from proxystore.ledger.tail import Item

SUFFIX: Final = ".bad"
_log: Final = logging.getLogger(__name__)


def set_aside(directory: Path, item: Item) -> int:
    """Write what is damaged down, before the segment it came from is read past it; return how many bytes that are.

    However often it is done there is one file: it is named by where the piece lay.

    Raises:
        OSError: It could not be written: try again, the segment still has it.
    """
    data = item.raw or b""
    path = directory / f"{item.segment_id}-{item.end - len(data)}{SUFFIX}"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CREAT | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    _log.error("%d damaged bytes of the journal were set aside in %s", len(data), path)
    return len(data)
