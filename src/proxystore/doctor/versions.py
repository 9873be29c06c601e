"""What is installed: ours, what we need of others, and what only makes it faster."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Iterator
from importlib import metadata
from importlib.util import find_spec
from typing import Final

from proxystore import _foreign
from proxystore.doctor.finding import Finding, ok, problem, warning

DISTRIBUTION: Final = "asgi-proxystore"
_TOLD: Final = ("databases", "SQLAlchemy", "aiosqlite", "asyncpg")
_FAST: Final = ("uvloop", "httptools")
_REQUIREMENT: Final = re.compile(r"\s*([\w.-]+)\s*(?:\[[^]]*\])?\s*\(?([^;)]*)\)?\s*$")
_BOUND: Final = re.compile(r"(>=|<=|==|!=|>|<)\s*(\d+(?:\.\d+)*)")


def check() -> Iterator[Finding]:
    """Look at this environment."""
    told = ", ".join(f"{name} {_version(name)}" for name in _TOLD)
    yield ok("versions", f"{DISTRIBUTION} {_version(DISTRIBUTION)}, Python {platform.python_version()}, {told}")
    yield from check_requirements(metadata.requires(DISTRIBUTION) or ())
    if _foreign.is_foreign_installed():
        yield problem("distribution", "another project with our import name is installed", _foreign.MESSAGE)
    else:
        yield ok("distribution", "nothing else here is called proxystore")
    missing = [name for name in _FAST if find_spec(name) is None]
    if missing:
        yield warning("speed", f"{' and '.join(missing)} not installed: slower", "pip install 'uvicorn[standard]'")
    else:
        yield ok("speed", "uvloop and httptools are there")


def check_requirements(requirements: Iterable[str]) -> Iterator[Finding]:
    """Look whether what *requirements* name is installed, and in a version that they allow; extras are left out."""
    for requirement in requirements:
        read = _REQUIREMENT.match(requirement)
        if read is None:  # has a marker: an extra, or another system
            continue
        name, bounds = read[1], read[2].strip()
        version = _version(name)
        if version is None:
            yield problem("versions", f"{name} is not installed", f"pip install '{name}{bounds}'")
        elif not all(_holds(version, *bound) for bound in _BOUND.findall(bounds)):
            yield problem("versions", f"{name} {version} is not one we can use", f"pip install '{name}{bounds}'")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _holds(version: str, operator: str, bound: str) -> bool:
    ours, theirs = _numbers(version), _numbers(bound)
    length = max(len(ours), len(theirs))
    a, b = ours + (0,) * (length - len(ours)), theirs + (0,) * (length - len(theirs))
    return {">=": a >= b, "<=": a <= b, "==": a == b, "!=": a != b, ">": a > b, "<": a < b}[operator]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", re.split(r"[a-z+]", version)[0]))
