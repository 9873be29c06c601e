"""Which project a key belongs to, by whatever it is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias
from uuid import UUID

from proxystore.database import Database
from proxystore.errors import ProjectInactive, ProjectNotFound
from proxystore.ids import parsed, shown
from proxystore.repositories.keys import statements

Known: TypeAlias = Mapping[str, tuple[UUID, bool]]
"""Id and activity of projects, by what each was called: its id or its name."""


async def known(database: Database, wanted: Iterable[str]) -> Known:
    """Look up projects.

    Raises:
        ProjectNotFound: One of them is not there.
    """
    called = list(dict.fromkeys(wanted))
    if not called:
        return {}
    ids = [parsed("proj", text) for text in called if text.startswith("proj_")]
    names = [text for text in called if not text.startswith("proj_")]
    rows = await database.fetch_all(statements.PROJECTS, ids=ids, names=names)
    found = {text: (identity, active) for identity, name, active in rows for text in (name, shown("proj", identity))}
    missing = [text for text in called if text not in found]
    if missing:
        raise ProjectNotFound(f"No project is called {missing[0]!r}.")
    return found


def active(projects: Known, called: str) -> UUID:
    """Return the id of a project that may have keys.

    Raises:
        ProjectInactive: It is not active.
    """
    identity, is_active = projects[called]
    if not is_active:
        raise ProjectInactive
    return identity
