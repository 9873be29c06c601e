"""Are there the secrets without which nothing starts?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proxystore.doctor.finding import Finding, ok, problem
from proxystore.secrecy import AUDIT_KEY, PEPPER
from proxystore.settings import Settings

_CHECK: Final = "secrets"


def check(settings: Settings) -> Iterator[Finding]:
    """Look for what PostgreSQL asks for; on SQLite it is made where it is missing."""
    given = {PEPPER: settings.pepper, AUDIT_KEY: settings.audit_key}
    missing = [purpose for purpose, secret in given.items() if secret is None]
    if settings.url.dialect == "sqlite" or not missing:
        kept = f"kept in {settings.data_dir}" if missing else "set"
        yield ok(_CHECK, f"{' and '.join(purpose.wanted for purpose in missing or given)}: {kept}")
        return
    for purpose in missing:
        yield problem(
            _CHECK,
            f"{purpose.variable} is not set, and on PostgreSQL nothing starts without",
            f'export {purpose.variable}="$(proxystore secrets new)", once: the same one for every process',
        )
