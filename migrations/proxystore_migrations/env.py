"""Alembic's environment: run one history on the connection that came through ``Config.attributes``.

The caller has begun the transaction and holds the lock; what it passes besides ``connection`` goes to
``context.configure`` as it is. Plugins' histories run through this file too.
"""

from __future__ import annotations

from alembic import context

context.configure(**context.config.attributes)
context.run_migrations()
