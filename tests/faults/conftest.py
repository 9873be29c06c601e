"""What the fault tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxystore.settings import Settings
from proxystore.testing.postgres import Postgres
from tests.faults.workers import Nursery, nursery


@pytest.fixture(name="nursery", scope="session")
def _nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Makes servers; one for all tests, since importing takes a second."""
    with nursery(tmp_path_factory.mktemp("nursery") / "workers.log") as made:
        yield made


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    """Settings for a migrated database of each kind."""
    return Settings(database_url=migrated_url, data_dir=tmp_path / "data", auth="off")


@pytest.fixture(name="postgres_settings")
def _postgres_settings(
    create_database: Callable[[str | None], str], postgres_template: str, tmp_path: Path, postgres: Postgres
) -> Settings:
    """Settings for a migrated PostgreSQL."""
    assert postgres.url
    return Settings(database_url=create_database(postgres_template), data_dir=tmp_path / "data", auth="off")


@pytest.fixture(name="sqlite_settings")
def _sqlite_settings(sqlite_template: Path, tmp_path: Path) -> Settings:
    """Settings for a migrated SQLite file."""
    file = tmp_path / "proxystore.db"
    file.write_bytes(sqlite_template.read_bytes())
    return Settings(database_url=f"sqlite:///{file}", data_dir=tmp_path / "data", auth="off")
