"""No secret is ever shown."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from proxystore.errors import SettingsError
from proxystore.settings import DatabaseURL, Settings

_CANARY = "cAnArY"
_URL = f"postgresql://user:{_CANARY}@host/name"


class _Section(BaseModel, frozen=True):
    token: SecretStr = SecretStr("")
    many: int = 1


@pytest.fixture(name="settings")
def _settings() -> Settings:
    return Settings.load(
        environ={
            "PROXYSTORE_DATABASE_URL": _URL,
            "PROXYSTORE_REPLICAS": f"{_URL},{_URL}",
            "PROXYSTORE_PEPPER": _CANARY,
            "PROXYSTORE_APP_AUTHORIZATION": f"Bearer {_CANARY}",
            "PROXYSTORE_USAGE__TOKEN": _CANARY,
        }
    )


def test_settings_do_not_show_them(settings: Settings) -> None:
    for text in (repr(settings), str(settings), f"{settings.url} {settings.url!r}", repr(settings.sources)):
        assert _CANARY not in text


def test_a_section_does_not_show_them(settings: Settings) -> None:
    section = settings.section("usage", _Section)

    assert section.token.get_secret_value() == _CANARY
    assert _CANARY not in repr(section)


def test_they_can_be_read(settings: Settings) -> None:
    assert settings.pepper is not None
    assert settings.pepper.get_secret_value() == settings.url.password == _CANARY


@pytest.mark.parametrize(
    "environ",
    [
        {"PROXYSTORE_DATABASE_URL": text}
        for text in (
            f"mysql://user:{_CANARY}@host/name",
            f"postgres://user:{_CANARY}/x@host/name",
            f"postgres://user:{_CANARY}?x@host/name",
            f"postgres://user:{_CANARY}#x@host/name",
            f"postgres://user:1234/{_CANARY}@host/name",
            f"postgres://user:1234?{_CANARY}=@host/name",
            f"postgres://user:1[2{_CANARY}@host/name",
            f"postgres://user:{_CANARY}@host:port/name",
            f"postgres://user:{_CANARY}@host:99999/name",
            f"postgres://user:{_CANARY}@host/name?nonsense=1",
            f"postgres://user:{_CANARY}@host,other/name",
            f"{_CANARY}",
            f"user:{_CANARY}@://",
        )
    ]
    + [
        {"DATABASE_URL": _URL, "DB_PRIMARY": "sqlite:///x.db"},
        {"DB_REPLICAS": f"{_URL}?nonsense=1"},
        {"PROXYSTORE_PEPPER": _CANARY, "PROXYSTORE_AUTH": "x"},
        {"PROXYSTORE_POOL_MAX_SIZE": _CANARY},
    ],
)
def test_no_error_tells_them(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.load(environ=environ)

    assert _CANARY not in "".join(traceback.format_exception(raised.value))


def test_pydantic_does_not_tell_them_either() -> None:
    with pytest.raises(ValidationError) as raised:
        Settings(database_url=f"mysql://user:{_CANARY}@host/name")

    assert _CANARY not in str(raised.value)


def test_an_error_of_a_section_does_not_tell_them() -> None:
    settings = Settings.load(environ={"PROXYSTORE_USAGE__MANY": _CANARY})

    with pytest.raises(SettingsError, match=r"^PROXYSTORE_USAGE__MANY should be a valid integer") as raised:
        settings.section("usage", _Section)
    assert _CANARY not in "".join(traceback.format_exception(raised.value))


def test_a_broken_file_does_not_tell_them(tmp_path: Path) -> None:
    file = tmp_path / "proxystore.toml"
    file.write_text(f'database_url = "{_URL}"\npepper = "{_CANARY}" x\n')

    with pytest.raises(SettingsError) as raised:
        Settings.load(file, {})
    assert _CANARY not in "".join(traceback.format_exception(raised.value))


def test_a_url_without_a_password_shows_none() -> None:
    assert str(DatabaseURL.parse("postgres://user@host/name")) == "postgresql://user@host:5432/name"
