"""What the cache's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cache.world import Host


@pytest.fixture(name="host")
def _host(tmp_path: Path) -> Host:
    """A directory, and processes (as far as a cache can tell) that share it."""
    return Host(tmp_path / "cache")
