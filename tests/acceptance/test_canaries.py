"""Secrets are planted wherever there may be some; then everything that was written is searched for them."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from proxystore import (
    Conflict,
    InvalidRecord,
    KeyExpired,
    KeyInactive,
    KeyNotFound,
    ProxyStoreError,
    ProxyStoreMiddleware,
    Settings,
    Store,
)
from proxystore.testing.asgi import call, http_scope
from tests import born
from tests.canaries import leaked, leaks
from tests.cli.served import COMMAND

_FOREIGN: Final = "sk-cAnArY0fSomebodyElse1234567"
_APP: Final = "Bearer cAnArY-of-the-wrapped-application"
_PEPPER: Final = "cAnArY-pepper-of-at-least-thirty-two-characters"
_AUDIT: Final = "cAnArY-audit-key-of-at-least-thirty-two-characters"
_REFUSED: Final = (KeyNotFound, KeyInactive, KeyExpired)


@pytest.fixture(name="logged")
def _logged() -> Iterator[list[str]]:
    """Whatever anybody logs, at every level, with its traceback."""
    lines: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(formatter.format(record))

    formatter, root, handler = logging.Formatter("%(name)s %(message)s %(args)s"), logging.getLogger(), Listening()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.setLevel(level)
    root.removeHandler(handler)


async def _app(scope: Any, receive: Any, send: Any) -> None:
    """Answer, now and then with an error that has a traceback."""
    if scope["type"] == "lifespan":
        raise NotImplementedError
    if scope["path"] == "/fail":
        raise ZeroDivisionError("the application failed")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def _settings(url: str, folder: Path) -> Settings:
    return Settings(
        database_url=url,
        data_dir=folder / "data",
        pepper=_PEPPER,
        audit_key=_AUDIT,
        app_authorization=_APP,
    )


async def _used(settings: Settings, told: list[str]) -> list[str]:
    """Do with keys whatever can be done; note what is told, and return the secrets."""
    async with Store(settings=settings) as store:
        await store.projects.create(name="p", actor="me")
        first = await store.keys.create(name="n", project="p", max_requests=5, actor="me")
        second = await store.keys.rotate(first.record.id, grace=timedelta(hours=1), actor="me")
        gone = await store.keys.create(name="gone")
        await store.keys.revoke(gone.record.id)
        imported = await store.keys.import_key(_FOREIGN, name="imported", actor="me")
        secrets = [first.secret, second.secret, gone.secret, _FOREIGN]
        told += map(repr, (first, second, imported, store, settings, await store.keys.list(limit=9)))
        for secret in (*secrets, first.secret[:-1], f"{_FOREIGN}0"):
            try:
                told.append(repr(await store.keys.authenticate(secret)))
            except _REFUSED as error:
                told.append(f"{error!r} {error.__cause__!r} {error.__context__!r}")
        for wrong in (_FOREIGN, f"{_FOREIGN}…", first.secret[:-1] + "é"):
            try:
                await store.keys.import_key(wrong, name="n")
            except (Conflict, InvalidRecord) as error:
                told.append(f"{error!r} {error.__cause__!r} {error.__context__!r}")
    return secrets


async def _called(settings: Settings, secrets: list[str], told: list[str]) -> None:
    """Call with each of the secrets, wherever clients put them."""
    wrapped = ProxyStoreMiddleware(_app, settings=settings)
    for secret in secrets:
        encoded = secret.encode()
        for name, value in (
            (b"authorization", b"Bearer " + encoded),
            (b"x-api-key", encoded),
            (b"x-proxystore-key", encoded),
        ):
            for path in ("/v1/chat/completions", "/fail", "/v1/models"):
                scope = http_scope(path, headers=[(name, value)], query=b"key=" + encoded)
                try:
                    told.append(repr(await call(wrapped, scope, b'{"model": "gpt-4o"}')))
                except ZeroDivisionError as error:
                    told.append(repr(error))
    await wrapped.store.ledger.drain()
    await wrapped.store.close()


async def _rows(url: str) -> list[str]:
    """Return every row of every table, as text."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return list(connection.iterdump())
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'proxystore'")
        return [
            str(row[0])
            for (table,) in tables
            for row in await connection.fetch(f'SELECT t::text FROM proxystore."{table}" t')
        ]
    finally:
        await connection.close()


async def test_nothing_that_is_written_has_a_secret_in_it(
    migrated_url: str, tmp_path: Path, logged: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    settings = _settings(migrated_url, tmp_path)
    secrets = await _used(settings, told)
    await _called(settings, secrets, told)
    planted = [*secrets, *(secret[12:40] for secret in secrets), _APP[7:], _PEPPER, _AUDIT, "cAnArY"]
    planted += [form for secret in secrets for form in (b64encode(secret.encode()).decode(), secret.encode().hex())]
    written = [*told, *logged, *await _rows(migrated_url), *capfd.readouterr()]

    assert logged
    assert any("sk-cAn…4567" in text for text in written)  # what may be shown is there
    assert not [leak for text in written for leak in leaks(text.encode(errors="replace"), planted)]
    assert leaked(tmp_path, planted) == []


def test_the_command_line_tells_no_secret_but_the_one_it_makes(migrated_url: str, tmp_path: Path) -> None:
    environ = {**os.environ, "PROXYSTORE_DATABASE_URL": migrated_url, "PROXYSTORE_DATA_DIR": str(tmp_path / "data")}
    environ |= {"PROXYSTORE_PEPPER": _PEPPER, "PROXYSTORE_APP_AUTHORIZATION": _APP, "PROXYSTORE_AUDIT_KEY": _AUDIT}

    def run(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return born.run(
            (*COMMAND, *words, "--debug"),
            input=given,
            env=environ,
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
        )

    made = run("keys", "create", "n", "--json")
    secret = json.loads(made.stdout).pop("secret")
    told = [
        made.stderr,
        *(
            text
            for done in (
                run("keys", "import", "n", given=_FOREIGN),
                run("keys", "import", "n", given=_FOREIGN),  # refused, with a traceback
                run("keys", "list", "--json"),
                run("settings", "show"),
            )
            for text in (done.stdout, done.stderr)
        ),
    ]

    assert not [leak for text in told for leak in leaks(text.encode(), (secret, secret[12:55], "cAnArY"))]


async def test_a_password_of_the_database_is_in_no_error(tmp_path: Path, logged: list[str]) -> None:
    url = "postgresql://user:cAnArY@127.0.0.1:1/name"
    with pytest.raises(ProxyStoreError) as refused:
        await Store(settings=_settings(url, tmp_path)).open()

    for text in (str(refused.value), repr(refused.value.__cause__), *logged):
        assert "cAnArY" not in text
