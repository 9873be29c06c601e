"""`import proxystore` costs nothing, and what it offers is a list."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Final

import pytest

import proxystore

_HEAVY: Final = (
    "alembic",
    "cryptography",
    "databases",
    "diskcache",
    "pydantic",
    "rich",
    "sqlalchemy",
    "typer",
    "uvicorn",
)
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
