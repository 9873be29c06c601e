"""What the doctor finds wrong with secrets."""

from __future__ import annotations

from pathlib import Path

from proxystore.doctor import secrets
from proxystore.settings import Settings

_SECRET = "a secret of thirty-two characters"


def _settings(url: str, pepper: str | None, audit_key: str | None) -> Settings:
    return Settings(database_url=url, data_dir=Path("data"), pepper=pepper, audit_key=audit_key)


def test_what_postgresql_asks_for_is_missed() -> None:
    found = list(secrets.check(_settings("postgresql://host/name", None, None)))

    assert [(finding.level, finding.message.split()[0]) for finding in found] == [
        ("problem", "PROXYSTORE_PEPPER"),
        ("problem", "PROXYSTORE_AUDIT_KEY"),
    ]
    assert found[0].mend == 'export PROXYSTORE_PEPPER="$(proxystore secrets new)", once: the same one for every process'


def test_what_is_set_or_made_is_well() -> None:
    (given,) = secrets.check(_settings("postgresql://host/name", _SECRET, _SECRET))
    (made,) = secrets.check(_settings("sqlite:///data/proxystore.db", None, None))

    assert (given.level, given.message) == ("ok", "pepper and audit key: set")
    assert (made.level, made.message) == ("ok", "pepper and audit key: kept in data")
    assert _SECRET not in given.message
