"""What the tests of the response cache share."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxystore import Settings
from tests.response_cache.world import Proxy


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=migrated_url, data_dir=tmp_path / "data", plugins=())


@pytest.fixture(name="plain")
def _plain(sqlite_template: Path, tmp_path: Path) -> Settings:
    """Settings for what has nothing to do with the database."""
    file = tmp_path / "plain.db"
    file.write_bytes(sqlite_template.read_bytes())
    return Settings(database_url=f"sqlite:///{file}", data_dir=tmp_path / "data", plugins=())


@pytest.fixture(name="proxy")
def _proxy() -> Proxy:
    return Proxy()
