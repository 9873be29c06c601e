"""The matrix: the databases that every test about one runs against."""

from __future__ import annotations

from typing import Final

DATABASES: Final = ("sqlite", "postgres")
"""What a test with the fixture ``database_url`` or ``migrated_url`` is run with, unless ``--database`` names one."""

PEPPER: Final = "a pepper that is for tests and for nothing else"
"""What stores of tests make digests with, wherever their settings are read from the environment."""
