"""The databases that every test about one runs against.

(Not called ``databases``: on ``sys.path`` it would hide the library of that name.)
"""

from __future__ import annotations

from typing import Final

DATABASES: Final = ("sqlite", "postgres")
"""What a test with the fixture ``database_url`` or ``migrated_url`` is run with, unless ``--database`` names one."""
