"""Are there the secrets without which nothing starts, and are they the right ones?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proxystore.doctor.database import Facts
from proxystore.doctor.finding import Finding, ok, problem
from proxystore.errors import SettingsError
from proxystore.secrecy import AUDIT_KEY, PEPPER, Known, Purpose, examine
from proxystore.settings import Settings

_CHECK: Final = "secrets"
_FIND: Final = "look for it where your backups are: what was made with it is worth nothing without"
_UNKNOWN: Final = Known({}, is_binding=False)


def check(settings: Settings, facts: Facts | None) -> Iterator[Finding]:
    """Look whether what is set, or kept, is what the database was used with; on SQLite the first start makes them."""
    given = {PEPPER: settings.pepper, AUDIT_KEY: settings.audit_key}
    for purpose, secret in given.items():
        known = _UNKNOWN if facts is None else facts.known.get(purpose.name, _UNKNOWN)
        if secret is None and settings.url.dialect != "sqlite":
            yield _missing(purpose, known)
            continue
        try:
            is_there = examine(purpose, secret, settings, known)
        except SettingsError as error:
            yield problem(_CHECK, str(error), _FIND if known.is_binding else _make(purpose))
            continue
        kept = f"kept in {settings.data_dir}" if is_there else f"made in {settings.data_dir} by the first start"
        yield ok(_CHECK, f"{purpose.wanted}: {kept if secret is None else 'set'}")


def _missing(purpose: Purpose, known: Known) -> Finding:
    message = f"{purpose.variable} is not set, and on PostgreSQL nothing starts without"
    if known.is_binding:
        return problem(_CHECK, message, f"set the {purpose.wanted} that this database was used with")
    return problem(_CHECK, message, _make(purpose))


def _make(purpose: Purpose) -> str:
    return f'once, the same one for every process: export {purpose.variable}="$(proxystore secrets new)"'
