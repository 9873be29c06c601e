"""The whole examination, in the order in which one thing needs another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from proxystore.doctor import (
    application,
    clock,
    database,
    journal,
    locks,
    mounts,
    permissions,
    plugins,
    secrets,
    space,
    versions,
)
from proxystore.doctor.database import Facts
from proxystore.doctor.finding import Finding, ok, problem, warning
from proxystore.errors import SettingsError
from proxystore.hooks import Plugins
from proxystore.migrating import Migrations
from proxystore.settings import Settings

_PLACES: Final[Mapping[str, Callable[[Settings], Iterable[Finding]]]] = {
    "permissions": permissions.check,
    "volume": mounts.check,
    "space": space.check,
    "locks": locks.check,
}
_SET: Final = "correct it where it is set; `proxystore settings show` then tells what is read, and from where"
_LOST: Final = "set PROXYSTORE_DATABASE_URL to a file or to a PostgreSQL server"
_REPORT: Final = "run `proxystore doctor` where it may look, or report this"


async def examine(load: Callable[[], Settings]) -> list[Finding]:
    """Look at everything and return what was found; nothing is changed, and nothing raises.

    Args:
        load: Returns the settings, or raises `SettingsError`.
    """
    findings = list(_tried("versions", versions.check))
    try:
        settings = load()
    except SettingsError as error:
        return [*findings, problem("settings", str(error), _SET)]
    findings.append(ok("settings", _sources(settings)))
    loaded, found = plugins.load(settings)
    findings += found
    migrations = _migrations(loaded, findings)
    findings += _tried("app", lambda: application.check(settings))
    if settings.url.is_in_memory:
        findings.append(warning("volume", "the database is in memory: all is gone when its process ends", _LOST))
    else:
        for name, check in _PLACES.items():
            findings += _tried(name, lambda check=check: check(settings))  # type: ignore[misc]
    return [*findings, *await _database(settings, migrations)]


async def _database(settings: Settings, migrations: tuple[Migrations, ...]) -> list[Finding]:
    segments = journal.find(settings)
    findings: list[Finding] = []
    facts: Facts | None = None
    try:
        facts = await database.look(settings, [segment.segment_id for segment in segments])
        findings += database.check(settings, facts, await database.differences(settings, migrations))
        findings += clock.check(facts)
    except Exception as error:  # noqa: BLE001  whatever a driver raises is a finding
        findings.append(database.unreachable(settings, error))
    if not settings.url.is_in_memory:
        findings += _tried("secrets", lambda: secrets.check(settings, facts))
        findings += _tried("journal", lambda: journal.check(settings, segments, facts))
    return findings


def _tried(name: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:  # noqa: BLE001  one that fails must not hide the others
        yield problem(name, f"could not be looked at: {type(error).__name__}: {error}", _REPORT)


def _migrations(loaded: Plugins | None, findings: list[Finding]) -> tuple[Migrations, ...]:
    try:
        return () if loaded is None else tuple(loaded.migrations())
    except Exception as error:  # noqa: BLE001  a plugin's
        findings.append(plugins.broken(error))
        return ()


def _sources(settings: Settings) -> str:
    named = sorted(set(settings.sources.values()) - {"default"})
    files = [name for name in named if Path(name).suffix == ".toml"]
    variables = [name for name in named if name.isupper()]
    words = [
        *files,
        *([f"{len(variables)} variable{'s' * (len(variables) > 1)}"] if variables else []),
        *(["options"] if "argument" in named else []),
    ]
    return f"read from {', '.join(words) or 'nowhere: all are as they come'}"
