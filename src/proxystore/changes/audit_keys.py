"""The secret that makes audit chains."""

from __future__ import annotations

import os
from collections.abc import Sequence
from secrets import token_bytes, token_hex
from typing import Final

from proxystore.settings import Settings

_FILE: Final = "audit.key"


def audit_keys(settings: Settings) -> Sequence[bytes]:
    """Return the keys, newest first: those that are set, else one of the data directory's own."""
    if settings.audit_key is not None:
        return [word.strip().encode() for word in settings.audit_key.get_secret_value().split(",") if word.strip()]
    if settings.url.is_in_memory:
        return [token_bytes(32)]
    path = settings.data_dir / _FILE
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return [path.read_bytes().strip()]
    with os.fdopen(file, "wb") as made:
        made.write(token_hex(32).encode())
    return [path.read_bytes()]
