"""Fail where pip took an older LiteLLM because of us: ``python -m tests.examples.newest``, for ``tox -e litellm``.

What is installed here was resolved together with us. If pip, asked for LiteLLM alone, finds a newer one, then a bound
of ours stood in its way: pip steps back in such a case, years if need be, and says nothing.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from typing import Final

_OPTIONS: Final = ("--dry-run", "--ignore-installed", "--quiet")
_NONE_NEWER: Final = ("No matching distribution found", "ResolutionImpossible")


def main() -> None:
    """Look for a newer one, and exit with a sentence where there is one."""
    ours = version("litellm")
    command = [sys.executable, "-m", "pip", "install", *_OPTIONS, f"litellm[proxy]>{ours}"]
    search = subprocess.run(command, capture_output=True, text=True, check=False)
    if search.returncode == 0:
        sys.exit(f"pip took litellm {ours} with us, and takes a newer one alone: a bound of ours is in its way")
    if not any(sentence in search.stderr for sentence in _NONE_NEWER):
        sys.exit(search.stderr)
    sys.stdout.write(f"litellm {ours}: alone, pip takes no newer one\n")


if __name__ == "__main__":
    main()
