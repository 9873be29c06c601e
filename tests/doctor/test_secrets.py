"""What the doctor finds wrong with secrets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from proxystore import Settings, Store
from proxystore.doctor import Finding, examine, secrets

_SECRET, _OTHER = "a secret of thirty-two characters", "another one of thirty-two characters"

_NONE: Any = {"pepper": None, "audit_key": None}


def _settings(url: str, pepper: str | None, audit_key: str | None) -> Settings:
    return Settings(database_url=url, data_dir=Path("data"), pepper=pepper, audit_key=audit_key)


def _use(url: str, **settings: Any) -> None:
    """Make a key, which leaves an event in the audit trail."""

    async def make() -> None:
        async with Store(settings=Settings(database_url=url, **settings)) as store:
            await store.keys.create(name="n")

    asyncio.run(make())


def _found(**given: Any) -> list[Finding]:
    settings = Settings(plugins=(), **given)
    return [finding for finding in asyncio.run(examine(lambda: settings)) if finding.check == "secrets"]


def test_what_postgresql_asks_for_is_missed() -> None:
    found = list(secrets.check(_settings("postgresql://host/name", None, None), None))

    assert [(finding.level, finding.message.split()[0]) for finding in found] == [
        ("problem", "PROXYSTORE_PEPPER"),
        ("problem", "PROXYSTORE_AUDIT_KEY"),
    ]
    assert str(found[0].mend).endswith(': export PROXYSTORE_PEPPER="$(proxystore secrets new)"')


def test_what_is_set_or_made_is_well() -> None:
    given = list(secrets.check(_settings("postgresql://host/name", _SECRET, _SECRET), None))
    made = list(secrets.check(_settings("sqlite:///data/proxystore.db", None, None), None))

    assert {finding.level for finding in given + made} == {"ok"}
    assert [finding.message for finding in given] == ["pepper: set", "audit key: set"]
    assert made[0].message == "pepper: made in data by the first start"


def test_a_secret_that_is_too_short_is_told() -> None:
    found = list(secrets.check(_settings("postgresql://host/name", "short", _SECRET), None))

    assert [finding.level for finding in found] == ["problem", "ok"]
    assert "32 characters" in found[0].message


def test_another_secret_than_the_one_that_was_used_is_told(migrated_url: str, data_dir: Path) -> None:
    _use(migrated_url, data_dir=data_dir, pepper=_SECRET, audit_key=_SECRET)

    right = _found(database_url=migrated_url, data_dir=data_dir, pepper=_SECRET, audit_key=f"{_OTHER},{_SECRET}")
    wrong = _found(database_url=migrated_url, data_dir=data_dir, pepper=_OTHER, audit_key=_OTHER)

    assert [finding.level for finding in right] == ["ok", "ok"]
    assert [finding.level for finding in wrong] == ["problem", "problem"]
    assert "PROXYSTORE_PEPPER is not the pepper that this database was used with" in wrong[0].message
    assert "backups" in str(wrong[0].mend)


@pytest.mark.parametrize("text", [None, "damaged", _OTHER])
def test_a_pepper_that_is_lost_is_told(sqlite_url: str, data_dir: Path, text: str | None) -> None:
    _use(sqlite_url, data_dir=data_dir, **_NONE)
    pepper = data_dir / "pepper"
    pepper.unlink() if text is None else pepper.write_text(text)

    found = _found(database_url=sqlite_url, data_dir=data_dir, **_NONE)

    assert [finding.level for finding in found] == ["problem", "ok"]
    assert str(pepper) in found[0].message
    assert pepper.exists() is (text is not None)


def test_a_secret_that_postgresql_was_used_with_is_not_made_anew(postgres_url: str, data_dir: Path) -> None:
    _use(postgres_url, data_dir=data_dir, pepper=_SECRET, audit_key=_SECRET)

    (pepper, _) = _found(database_url=postgres_url, data_dir=data_dir, **_NONE)

    assert pepper.mend == "set the pepper that this database was used with"
