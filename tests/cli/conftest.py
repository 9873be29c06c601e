"""A command line to invoke."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from proxystore.cli import build
from proxystore.cli.globals import Globals, command_of

Invoke = Callable[..., Result]


@pytest.fixture(name="place", autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of the test's own, and nothing set."""
    for name in os.environ:
        if name.startswith(("PROXYSTORE_", "DATABASE_", "DB_", "CACHE_")) and not name.startswith("PROXYSTORE_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(name="invoke")
def _invoke() -> Invoke:
    """Run a command line as the shell would, without a new process."""

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(build(Globals.of(words).load(), command_of(words)), list(words))

    return invoke
