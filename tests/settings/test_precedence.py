"""Arguments, then the environment, then the file, then older names, then defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxystore.errors import SettingsError
from proxystore.settings import PoolSettings, Settings


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    file = tmp_path / "mine.toml"
    file.write_text('database_url = "sqlite:///file.db"\ndisable = ["a"]\n[pool]\nmax_size = 4\nmax_lifetime = "5m"\n')
    return file


_OLDER = {"DATABASE_URL": "sqlite:///older.db", "DB_POOL_MAX_CONNS": "5"}
_OURS = {"PROXYSTORE_DATABASE_URL": "sqlite:///ours.db", "PROXYSTORE_POOL_MAX_SIZE": "3"}


def test_arguments_win_over_everything(file: Path) -> None:
    read = Settings.load(file, {**_OLDER, **_OURS}, database_url="sqlite:///mine.db", pool={"max_size": 2})

    assert (read.database_url, read.pool.max_size) == ("sqlite:///mine.db", 2)
    assert read.sources["database_url"] == read.sources["pool.max_size"] == "argument"


def test_our_names_win_over_the_file(file: Path) -> None:
    read = Settings.load(file, {**_OLDER, **_OURS})

    assert (read.database_url, read.pool.max_size) == ("sqlite:///ours.db", 3)
    assert read.sources["pool.max_size"] == "PROXYSTORE_POOL_MAX_SIZE"


def test_the_file_wins_over_older_names(file: Path) -> None:
    read = Settings.load(file, _OLDER)

    assert (read.database_url, read.pool.max_size, read.disable) == ("sqlite:///file.db", 4, ("a",))
    assert read.sources["database_url"] == str(file)


def test_older_names_win_over_defaults() -> None:
    read = Settings.load(environ=_OLDER)

    assert (read.database_url, read.pool.max_size) == ("sqlite:///older.db", 5)
    assert read.sources["database_url"] == "DATABASE_URL"


def test_defaults_are_said_to_be_defaults() -> None:
    read = Settings.load(environ={})

    assert read.database_url == "sqlite:///data/proxystore.db"
    assert set(read.sources.values()) == {"default"}


def test_layers_are_merged_one_setting_at_a_time(file: Path) -> None:
    read = Settings.load(file, {"PROXYSTORE_POOL_MIN_SIZE": "2"}, pool=PoolSettings(health_check=7))

    assert read.pool == PoolSettings(max_size=4, max_lifetime=300, min_size=2, health_check=7)
    assert read.sources["pool.max_idle_time"] == "default"


def test_an_argument_of_none_and_an_empty_variable_count_as_not_given() -> None:
    read = Settings.load(environ={"PROXYSTORE_DATABASE_URL": " ", "DATABASE_URL": ""}, database_url=None, plugins=None)

    assert read.sources["database_url"] == "default"


def test_the_file_is_the_one_in_the_working_directory(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    file.rename("proxystore.toml")

    assert Settings.load(environ={}).database_url == "sqlite:///file.db"


def test_the_file_can_be_named_in_the_environment(file: Path) -> None:
    assert Settings.load(environ={"PROXYSTORE_CONFIG": str(file)}).database_url == "sqlite:///file.db"


def test_the_file_given_wins_over_the_one_in_the_environment(file: Path) -> None:
    assert Settings.load(file, {"PROXYSTORE_CONFIG": "absent.toml"}).database_url == "sqlite:///file.db"


@pytest.mark.parametrize(
    ("path", "environ", "words"),
    [("absent.toml", {}, "absent.toml"), (None, {"PROXYSTORE_CONFIG": "gone.toml"}, "PROXYSTORE_CONFIG is gone.toml")],
)
def test_a_file_that_was_named_must_be_there(path: str | None, environ: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Settings.load(path, environ)


@pytest.mark.parametrize("text", ["database_url = ", "plugin = 3", "[plugin]\nusage = 4"])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken.toml"
    file.write_text(text)

    with pytest.raises(SettingsError, match=r"broken\.toml"):
        Settings.load(file, {})


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXYSTORE_DATABASE_SCHEMA", "llm")

    assert Settings.load().database_schema == "llm"


def test_calling_the_class_takes_arguments_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXYSTORE_DATABASE_SCHEMA", "llm")
    settings = Settings(log_format="json")

    assert settings.database_schema == "proxystore"
    assert (settings.sources["log_format"], settings.sources["pool.max_size"]) == ("argument", "default")


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"DATABASE_URL": "sqlite:////var/lib/llm/a.db"}, "/var/lib/llm"),
        ({"DATABASE_URL": "sqlite:///a.db"}, "."),
        ({"DATABASE_URL": "postgres://host/name"}, "data"),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "data"),
        ({"DATABASE_URL": "sqlite:////var/a.db", "PROXYSTORE_DATA_DIR": "/srv/mine"}, "/srv/mine"),
        ({}, "data"),
    ],
)
def test_the_data_directory_lies_beside_the_file(environ: dict[str, str], place: str) -> None:
    assert Settings.load(environ=environ).data_dir == Path(place)


def test_the_url_is_parsed_once() -> None:
    settings = Settings.load(environ={}, database_url="sqlite:///:memory:")

    assert settings.url is settings.url
