"""The matrix: the databases that every test about one runs against."""

from __future__ import annotations

from typing import Final

DATABASES: Final = ("sqlite", "postgres")
"""What a test with the fixture ``database_url`` or ``migrated_url`` is run with, unless ``--database`` names one."""
