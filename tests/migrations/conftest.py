"""What tests of migrations have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.migrations.histories import History


@pytest.fixture(name="history")
def _history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """A plugin's history without a revision yet."""
    folder = tmp_path / "plugins"
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    return History(folder)
