"""The other distribution that has our import name."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

MESSAGE = (
    "The distribution 'proxystore' is another project with our import name and cannot be installed beside"
    " 'asgi-proxystore': run `pip uninstall proxystore asgi-proxystore`, then `pip install asgi-proxystore`."
)


def refuse_foreign_distribution() -> None:
    """Stop if the distribution ``proxystore`` is installed: its files and ours lie in one folder, overwriting.

    Raises:
        ImportError: It is installed. The ``proxystore`` command ends with the sentence alone, without a traceback.
    """
    try:
        metadata.distribution("proxystore")
    except metadata.PackageNotFoundError:
        return
    if Path(sys.argv[0]).stem == "proxystore":
        raise SystemExit(MESSAGE)
    raise ImportError(MESSAGE, name="proxystore")
