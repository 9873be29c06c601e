"""``python -m benchmarks NAME [--json]``; see README.md in this folder for what each measures."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent


def _names() -> list[str]:
    """Return the benchmarks: every module and package here that has a way in."""
    files = {path.stem: path for path in _FOLDER.glob("[a-z]*.py")}
    files |= {path.parent.name: path for path in _FOLDER.glob("[a-z]*/__init__.py")}
    return sorted(name for name, path in files.items() if "def main(" in path.read_text(encoding="utf-8"))


def main() -> None:
    """Run the benchmark that the first argument names; the others are its own."""
    names, given = _names(), sys.argv[1:2]
    if given not in [[name] for name in names]:
        sys.exit(f"usage: python -m benchmarks NAME [--json], with NAME one of {', '.join(names)}")
    name = given[0]
    sys.argv[:2] = [f"python -m benchmarks {name}"]
    import_module(f"benchmarks.{name}").main()


main()
