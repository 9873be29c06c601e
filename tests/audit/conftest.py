"""What the audit trail's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxystore.settings import Settings


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    """Settings for a migrated database of each kind, its journal in a directory of the test's own."""
    return Settings(database_url=migrated_url, data_dir=tmp_path / "data")
