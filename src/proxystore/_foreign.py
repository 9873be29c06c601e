"""The other distribution that has our import name."""

from __future__ import annotations

import os
import re
import sys

MESSAGE = (
    "The distribution 'proxystore' is another project with our import name and cannot be installed beside"
    " 'asgi-proxystore': run `pip uninstall proxystore asgi-proxystore`, then `pip install asgi-proxystore`."
)
_METADATA = re.compile(r"proxystore-[^-]+\.(dist|egg)-info", re.IGNORECASE)


def refuse_foreign_distribution() -> None:
    """Stop if the distribution ``proxystore`` is installed: its files and ours lie in one folder, overwriting.

    Raises:
        ImportError: It is installed. The ``proxystore`` command ends with the sentence alone, without a traceback.
    """
    if not is_foreign_installed():
        return
    if os.path.basename(sys.argv[0]) in ("proxystore", "proxystore.exe"):
        raise SystemExit(MESSAGE)
    raise ImportError(MESSAGE, name="proxystore")


def is_foreign_installed() -> bool:
    """Tell whether the distribution ``proxystore`` is installed."""
    return any(_METADATA.fullmatch(name) for folder in sys.path for name in _names(folder))


def _names(folder: str) -> list[str]:
    # importlib.metadata would know too, and would make `import proxystore` three times as slow.
    try:
        return os.listdir(folder or ".")
    except OSError:
        return []
