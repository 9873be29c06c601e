"""Database URLs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxystore.errors import SettingsError
from proxystore.settings import DatabaseURL


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+aiosqlite", "SQLite"])
@pytest.mark.parametrize(
    ("rest", "path"),
    [
        ("///data/proxy.db", "data/proxy.db"),
        ("////var/lib/proxy.db", "/var/lib/proxy.db"),
        ("///a%20b%3F.db", "a b?.db"),
        ("///C:/data/proxy.db", "C:/data/proxy.db"),
    ],
)
def test_sqlite_names_a_file(scheme: str, rest: str, path: str) -> None:
    url = DatabaseURL.parse(f"{scheme}:{rest}")

    assert (url.dialect, url.path, url.is_in_memory) == ("sqlite", Path(path), False)
    assert url.masked == str(url) == f"sqlite:///{path}"


@pytest.mark.parametrize("text", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_has_a_name_of_its_own(text: str) -> None:
    one, other = DatabaseURL.parse(text), DatabaseURL.parse(text)

    assert one.is_in_memory
    assert one.path is None
    assert one.masked == "sqlite:///:memory:"
    assert one.name != other.name
    assert one == other


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_postgresql_is_taken_apart(scheme: str) -> None:
    url = DatabaseURL.parse(
        f"{scheme}://us%40er:p%3A%2F%25@db.internal:6432/na%20me"
        "?sslmode=verify-full&sslrootcert=/etc/ca.pem&application_name=my%20proxy"
    )

    assert url == DatabaseURL(
        dialect="postgresql",
        host="db.internal",
        port=6432,
        user="us@er",
        password="p:/%",
        database="na me",
        ssl="verify-full",
        sslrootcert=Path("/etc/ca.pem"),
        application_name="my proxy",
    )
    assert url.masked == "postgresql://us@er:***@db.internal:6432/na me"


def test_what_postgresql_leaves_out_is_left_to_the_driver() -> None:
    url = DatabaseURL.parse("postgres://")

    assert (url.host, url.port, url.user, url.password, url.database, url.ssl) == (
        "localhost", 5432, None, None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize("text", ["postgresql:///name?host=/run/postgresql", "postgresql://%2Frun%2Fpostgresql/name"])
def test_a_unix_socket_is_a_host(text: str) -> None:
    url = DatabaseURL.parse(text)

    assert (url.host, url.database) == ("/run/postgresql", "name")


def test_an_address_of_version_6_keeps_its_brackets() -> None:
    url = DatabaseURL.parse("postgres://[::1]:6432/name")

    assert (url.host, url.masked) == ("::1", "postgresql://[::1]:6432/name")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("proxy.db", "is not a database URL; it may look like sqlite:///data/proxystore.db or postgresql://"),
        ("mysql://h/x", "has an unknown scheme 'mysql'; it may be sqlite, sqlite[+]aiosqlite, postgres,"),
        ("sqlite://data/x.db", "needs three slashes before a relative path"),
        ("sqlite:///", "names no file"),
        ("sqlite:///x%00.db", "names no file"),
        ("sqlite:///x.db?timeout=1", "may have no options"),
        (
            "postgres://h/x?sslmod=require",
            r"has an unknown option 'sslmod' \(did you mean sslmode\?\); it may have ssl",
        ),
        ("postgres://h/x?min_size=4", "has an unknown option 'min_size'; it may have"),
        ("postgres://h/x?sslmode=on", "has an unknown sslmode; it may be disable, allow, prefer,"),
        ("postgres://h/x?sslmode=", "has an option 'sslmode' without a value"),
        ("postgres://h/x?sslmode=require&sslmode=disable", "has an option twice"),
        ("postgres://h,i/x", "names several hosts"),
        ("postgres://h:port/x", "has a malformed host or port"),
        ("postgres://h:0/x", "cannot be understood"),
        ("postgres://[::1/x", "has a malformed host or port"),
        ("postgres://u:p#w@h/x", "must be percent-encoded"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        DatabaseURL.parse(text)


@given(st.text() | st.builds("{}://{}".format, st.sampled_from(["sqlite", "postgres"]), st.text()))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    try:
        url = DatabaseURL.parse(text)
    except SettingsError:
        return
    assert url.dialect in {"sqlite", "postgresql"}
