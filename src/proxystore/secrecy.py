"""Secrets of the installation, such as the pepper: where they come from, and whether they are the right ones.

What is set wins. On SQLite, a secret that is not set is made and kept in the data directory; on PostgreSQL, whose
processes may be on many hosts, it has to be set. The database knows a check value of each, so that a process with
another secret does not start, instead of refusing every key.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Final, NamedTuple, cast

from pydantic import SecretStr
from sqlalchemy import Connection, Executable, bindparam, delete, select

from proxystore.credentials import Pepper
from proxystore.database import Database, Query, Statement, Transaction, upsert
from proxystore.directories import make_private_directory, taking
from proxystore.errors import SettingsError
from proxystore.schema.api_keys import api_keys
from proxystore.schema.audit import audit_events
from proxystore.schema.settings import settings as table
from proxystore.settings import Settings

_LEAST: Final = 32
_CHECKS: Final = Query(
    select(table.c.name, table.c.value).where(table.c.name.like(bindparam("pattern", type_=table.c.name.type))),
    lambda name, value: (value, _version(name)),
)
_REGISTERED: Final = Query(select(table.c.value).where(table.c.name == bindparam("name")), lambda value: value)
_REGISTER: Final = Statement(
    upsert(table)
    .values(name=bindparam("name"), value=bindparam("value"), updated_at=bindparam("updated_at"))
    .on_conflict_do_nothing(index_elements=["name"])
)
_FORGET: Final = Statement(delete(table).where(table.c.name.like(bindparam("pattern", type_=table.c.name.type))))


class Purpose(NamedTuple):
    """What a secret is for.

    Attributes:
        name: Its file in the data directory, and its check values in the database.
        variable: What sets it.
        wanted: What it is called in messages.
        is_used: Asks whether anything was ever made with it; nothing was where this finds no row.
    """

    name: str
    variable: str
    wanted: str
    is_used: Query[int]


PEPPER: Final = Purpose(
    "pepper",
    "PROXYSTORE_PEPPER",
    "pepper",
    Query(select(api_keys.c.pepper_version).limit(1), lambda pepper_version: pepper_version),
)
AUDIT_KEY: Final = Purpose(
    "audit_key",
    "PROXYSTORE_AUDIT_KEY",
    "audit key",
    Query(select(audit_events.c.seq).limit(1), lambda seq: seq),
)


def new_secret() -> str:
    """Return a secret such as ``openssl rand -base64 32`` would."""
    return token_urlsafe(_LEAST)


class Known(NamedTuple):
    """What a database knows of the secrets for one purpose.

    Attributes:
        checks: The version of each, by its check value.
        is_binding: Whether anything was ever made with one of them, which then has to be among those that are given.
    """

    checks: Mapping[str, int]
    is_binding: bool


async def known_secrets(
    database: Database, purpose: Purpose, given: SecretStr | None, settings: Settings
) -> tuple[Pepper, ...]:
    """Return the secrets for *purpose*, newest first, each with its version; a new one is registered.

    Raises:
        SettingsError: There is none, one is too short, or none of them is one that this database knows.
    """
    checks = dict(await database.fetch_all(_CHECKS, pattern=_pattern(purpose)))
    is_binding = bool(checks) and await database.fetch_one(purpose.is_used) is not None
    texts = _given(purpose, given)
    place = _place(purpose, settings, is_own=not texts)
    texts = texts or [_own(purpose, settings, is_first=not is_binding)]
    _refuse_strange(purpose, texts, place, Known(checks, is_binding))
    values = [text.encode() for text in texts]
    if any(_check(purpose, value) not in checks for value in values):
        checks = await _registered(database, purpose, values, checks, place)
    return tuple(Pepper(checks[_check(purpose, value)], value) for value in values)


def known_to(connection: Connection, purpose: Purpose) -> Known:
    """Return what is known through *connection*, to a database that has our tables."""
    checks, is_used = (cast("Executable", query.clause) for query in (_CHECKS, purpose.is_used))
    known = {value: _version(name) for name, value in connection.execute(checks, {"pattern": _pattern(purpose)})}
    return Known(known, bool(known) and connection.execute(is_used).first() is not None)


def examine(purpose: Purpose, given: SecretStr | None, settings: Settings, known: Known) -> bool:
    """Do as `known_secrets` does, but make nothing and register nothing; return whether there is a secret already.

    Raises:
        SettingsError: As `known_secrets`.
    """
    texts = _given(purpose, given)
    is_made = settings.url.dialect == "sqlite" and not known.is_binding
    if not texts and is_made and not (settings.data_dir / purpose.name).exists():
        return False
    place = _place(purpose, settings, is_own=not texts)
    _refuse_strange(purpose, texts or [_own(purpose, settings, is_first=False)], place, known)
    return True


async def refuse_replaced(transaction: Transaction, purpose: Purpose, version: int) -> None:
    """Raise ``SettingsError`` if the secret of that *version* is none of the database's any more.

    Another process may have started with another one while nothing had been made with this one: what is made with it
    now would be worth nothing to the others, and to this process once it starts again.
    """
    if await transaction.fetch_one(_REGISTERED, name=f"{purpose.name}_check_{version}") is None:
        raise SettingsError(
            f"another process has started with another {purpose.wanted} meanwhile: give all of them the same"
            f" {purpose.variable}, and start this one again"
        )


def _refuse_strange(purpose: Purpose, texts: Sequence[str], place: str, known: Known) -> None:
    if known.is_binding and not any(_check(purpose, text.encode()) in known.checks for text in texts):
        told, which = _strange(purpose), "restore that one, or set" if place != purpose.variable else "set that one:"
        several = " (several are separated by commas, newest first)"
        raise SettingsError(f"{place} is {told}: {which} {purpose.variable}{several}")


def _strange(purpose: Purpose) -> str:
    return f"not the {purpose.wanted} that this database was used with"


def _place(purpose: Purpose, settings: Settings, *, is_own: bool) -> str:
    return str(settings.data_dir / purpose.name) if is_own else purpose.variable


def _given(purpose: Purpose, given: SecretStr | None) -> list[str]:
    words = [] if given is None else [word.strip() for word in given.get_secret_value().split(",")]
    texts = [word for word in words if word]
    if any(len(text) < _LEAST for text in texts):
        raise SettingsError(
            f"{purpose.variable} may be secrets of {_LEAST} characters and more, separated by commas:"
            " make one with `proxystore secrets new`"
        )
    return texts


def _other(purpose: Purpose) -> Purpose:
    return AUDIT_KEY if purpose is PEPPER else PEPPER


def _own(purpose: Purpose, settings: Settings, *, is_first: bool) -> str:
    if settings.url.dialect != "sqlite":
        raise SettingsError(
            f"{purpose.variable} is not set: PostgreSQL wants it and {_other(purpose).variable}, each made once with"
            " `proxystore secrets new` (or `openssl rand -base64 32`), kept, and the same for every process that uses"
            " this database"
        )
    if settings.url.is_in_memory:
        return token_hex(_LEAST)
    path = settings.data_dir / purpose.name
    if not path.exists():
        if not is_first:
            raise SettingsError(
                f"{path} is missing, and this database was used with the {purpose.wanted} in it: restore it, or set"
                f" {purpose.variable}"
            )
        _make(path)
    text = _read(path, purpose)
    if len(text) < _LEAST:
        raise SettingsError(f"{path} is damaged: restore it, or set {purpose.variable}")
    return text


def _read(path: Path, purpose: Purpose) -> str:
    kept = f"{path}, where the {purpose.wanted} is kept,"
    try:
        return path.read_text(encoding="ascii").strip()
    except UnicodeDecodeError:
        raise SettingsError(f"{kept} is damaged: restore it, or set {purpose.variable}") from None
    except PermissionError as error:
        raise SettingsError(f"{kept} may not be read: {taking([path])}") from error
    except OSError as error:
        raise SettingsError(
            f"{kept} cannot be read: {error.strerror}: restore it, or set {purpose.variable}"
        ) from error


def _make(path: Path) -> None:
    """Write a new secret to *path*, whole or not at all; the first of several processes wins."""
    make_private_directory(path.parent)
    draft = path.with_name(f".{path.name}-{token_hex(8)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(file, "w") as writing:
            writing.write(f"{new_secret()}\n")
            writing.flush()
            os.fsync(writing.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def _pattern(purpose: Purpose) -> str:
    return f"{purpose.name}_check_%"


def _version(name: str) -> int:
    return int(name.rpartition("_")[2])


def _check(purpose: Purpose, value: bytes) -> str:
    return hmac.digest(value, f"proxystore {purpose.name}".encode(), "sha256").hex()


async def _registered(
    database: Database, purpose: Purpose, values: Sequence[bytes], checks: dict[str, int], place: str
) -> dict[str, int]:
    version = max(checks.values(), default=0)  # goes on: who still has a secret that is forgotten is known by it
    if not any(_check(purpose, value) in checks for value in values):
        checks = {}
    async with database.transaction() as transaction:
        if not checks:
            if version and await transaction.fetch_one(purpose.is_used) is not None:  # made a moment ago
                raise SettingsError(f"{place} is {_strange(purpose)}")
            await transaction.execute(_FORGET, pattern=_pattern(purpose))
        for check in (_check(purpose, value) for value in reversed(values)):
            if check not in checks:
                version += 1
                name = f"{purpose.name}_check_{version}"
                await transaction.execute(_REGISTER, name=name, value=check, updated_at=datetime.now(UTC))
    found = dict(await database.fetch_all(_CHECKS, pattern=_pattern(purpose)))
    if not all(_check(purpose, value) in found for value in values):
        raise SettingsError(f"{purpose.variable}: another process is starting with another {purpose.wanted}")
    return found
