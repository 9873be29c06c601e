"""`import proxystore` costs nothing, `proxystore --help` little; what it offers is a list."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from typing import Final

import pytest

import proxystore

_HEAVY: Final = (
    "aiohttp",
    "aiosqlite",
    "alembic",
    "asyncpg",
    "cachetools",
    "cryptography",
    "databases",
    "diskcache",
    "genai_prices",
    "httpx",
    "openai",
    "pydantic",
    "rapidfuzz",
    "rich",
    "sqlalchemy",
    "typer",
    "uvicorn",
)
_SHOWS: Final = {"pydantic", "rich", "typer"}  # what the command line is made of
_PRINT_HELP: Final = """
import atexit, sys
from proxystore.cli import main
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
main(sys.argv[1:])
"""
_PRINT_MODULES: Final = "import sys, proxystore; print(*sys.modules)"


def test_public_names_are_sorted_and_unique() -> None:
    assert sorted(set(proxystore.__all__)) == proxystore.__all__


@pytest.mark.parametrize("name", proxystore.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(importlib.import_module("proxystore"), name) is not None


def test_dir_shows_the_public_names() -> None:
    assert set(proxystore.__all__) <= set(dir(proxystore))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        proxystore.no_such_name  # noqa: B018


def test_importing_loads_no_room() -> None:
    done = subprocess.run([sys.executable, "-c", _PRINT_MODULES], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()

    assert "proxystore" in loaded
    assert not [name for name in loaded if name.partition(".")[0] in _HEAVY]


@pytest.mark.parametrize("words", [("--help",), ("usage", "--help"), ("models", "--help"), ("settings", "show")])
def test_help_opens_no_door(words: tuple[str, ...]) -> None:
    """The plugins are loaded for it: they and we import what opens the database when it is opened."""
    done = subprocess.run(
        [sys.executable, "-c", _PRINT_HELP, *words], capture_output=True, text=True, check=True, env=_unset()
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split()}

    assert {
        "proxystore_audit",
        "proxystore_cache",
        "proxystore_keys",
        "proxystore_limits",
        "proxystore_usage",
    } <= loaded
    assert not loaded & set(_HEAVY) - _SHOWS


def _unset() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PROXYSTORE_")}
