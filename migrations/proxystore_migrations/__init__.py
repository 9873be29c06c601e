"""The history of proxystore's schema: one line of revisions for both databases.

Nothing here imports ``proxystore``: its schema moves on, a revision says for ever what it did on its day.
"""

from __future__ import annotations

from typing import Final

HEAD: Final = "0007"
"""The newest revision, spelt out so that a start can compare it without importing Alembic."""
