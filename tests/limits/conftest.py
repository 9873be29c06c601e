"""What the tests of limits share."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from proxystore.limits.tenure import Timing
from proxystore.settings import Settings


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a database on a busy machine: what happens when one waits no longer is tested by itself."""
    monkeypatch.setattr("proxystore.limits.limits.Timing", partial(Timing, deadline=30.0))


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    """Settings for a migrated database of each kind."""
    return Settings(database_url=migrated_url, data_dir=tmp_path / "data")
