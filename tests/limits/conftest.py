"""What the tests of limits share."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxystore.settings import Settings


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    """Settings for a migrated database of each kind."""
    return Settings(database_url=migrated_url, data_dir=tmp_path / "data")
