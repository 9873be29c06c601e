"""The names of older proxies."""

from __future__ import annotations

from typing import Any

import pytest

from proxystore.errors import SettingsError
from proxystore.settings import Settings
from proxystore.settings.seeds import SEED_NAMES


def _value(settings: Settings, name: str) -> Any:
    value: Any = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value


_GIVEN = {
    "database_url": ("sqlite:///a.db", "sqlite:///a.db"),
    "replicas": ("postgres://a/x, postgres://b/x", ("postgres://a/x", "postgres://b/x")),
    "database_schema": ("llm", "llm"),
    "pool.max_size": ("7", 7),
    "pool.min_size": ("3", 3),
    "pool.max_lifetime": ("1h", 3600.0),
    "pool.max_idle_time": ("90", 90.0),
    "pool.health_check": ("30s", 30.0),
    "cache_api_key_size": ("10", 10),
    "cache_api_key_ttl": ("5m", 300.0),
    "cache_model_size": ("20", 20),
    "cache_model_ttl": ("15m", 900.0),
}
_EACH = [(setting, name) for setting, names in SEED_NAMES.items() for name in names if "+" not in name]


def test_every_setting_with_older_names_is_tried() -> None:
    assert set(_GIVEN) == set(SEED_NAMES)


@pytest.mark.parametrize(("setting", "name"), _EACH)
def test_an_older_name_is_read(setting: str, name: str) -> None:
    text, value = _GIVEN[setting]
    settings = Settings.load(environ={name: text})

    assert _value(settings, setting) == value
    assert settings.sources[setting] == name


@pytest.mark.parametrize(("setting", "name"), _EACH)
def test_our_name_simply_wins(setting: str, name: str) -> None:
    text, value = _GIVEN[setting]
    ours = f"PROXYSTORE_{setting.replace('.', '_').upper()}"

    assert _value(Settings.load(environ={ours: text, name: "not even readable"}), setting) == value


@pytest.mark.parametrize("setting", [setting for setting, names in SEED_NAMES.items() if len(names) > 1])
def test_two_that_disagree_stop_the_start(setting: str) -> None:
    one, other = SEED_NAMES[setting][:2]

    with pytest.raises(SettingsError, match=f"^{one} and {other} disagree: unset one, or set PROXYSTORE_") as raised:
        Settings.load(environ={one: _GIVEN[setting][0], other: "postgres://u:canary@h/x"})
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    "environ",
    [
        {"DB_POOL_MAX_CONN_LIFETIME": "300", "DB_CONN_MAX_LIFETIME": "5m"},
        {"DB_PRIMARY": "postgres://u:p@h/x", "DATABASE_URL": "postgresql+asyncpg://u:p@h:5432/x"},
        {"DATABASE_URL": "sqlite:///a.db", "DB_DRIVER": "sqlite", "DATABASE_PATH": "a.db"},
    ],
)
def test_two_that_mean_the_same_agree(environ: dict[str, str]) -> None:
    settings = Settings.load(environ=environ)

    assert next(iter(environ)) in settings.sources.values()


@pytest.mark.parametrize(
    ("environ", "url", "source"),
    [
        ({"DB_DRIVER": "sqlite", "DATABASE_PATH": "data/llm.db"}, "sqlite:///data/llm.db", "DB_DRIVER + DATABASE_PATH"),
        ({"DB_DRIVER": "sqlite", "DATABASE_PATH": "/a b%.db"}, "sqlite:////a%20b%25.db", "DB_DRIVER + DATABASE_PATH"),
        ({"DATABASE_PATH": "data/llm.db"}, "sqlite:///data/llm.db", "DATABASE_PATH"),
        ({"DB_DRIVER": "postgres", "DATABASE_URL": "postgres://h/x"}, "postgres://h/x", "DATABASE_URL"),
        (
            {"DB_DRIVER": "postgres", "DATABASE_URL": "postgres://h/x", "DATABASE_PATH": "unused.db"},
            "postgres://h/x",
            "DATABASE_URL",
        ),
        ({"DB_DRIVER": "sqlite"}, "sqlite:///data/proxystore.db", "default"),
    ],
)
def test_driver_and_path_make_a_url(environ: dict[str, str], url: str, source: str) -> None:
    settings = Settings.load(environ=environ)

    assert (settings.database_url, settings.sources["database_url"]) == (url, source)


def test_the_path_is_the_file_that_was_meant() -> None:
    assert str(Settings.load(environ={"DATABASE_PATH": "/a b%.db"}).url.path) == "/a b%.db"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"DB_DRIVER": "mysql"}, "DB_DRIVER may be sqlite, sqlite3, postgres or postgresql"),
        ({"DB_DRIVER": "postgres"}, "DB_DRIVER asks for PostgreSQL: set DATABASE_URL"),
        ({"DB_DRIVER": "postgres", "DATABASE_URL": "sqlite:///a.db"}, "DB_DRIVER and DATABASE_URL disagree"),
        ({"DB_DRIVER": "sqlite", "DB_PRIMARY": "postgres://h/x"}, "DB_DRIVER and DB_PRIMARY disagree"),
        ({"DATABASE_PATH": "a.db", "DATABASE_URL": "postgres://h/x"}, "DATABASE_URL and DATABASE_PATH disagree"),
    ],
)
def test_a_driver_that_does_not_fit_stops_the_start(environ: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Settings.load(environ=environ)


def test_a_wrong_value_is_told_by_the_name_it_came_from() -> None:
    with pytest.raises(SettingsError, match=r"^DB_MAX_OPEN_CONNS should be a valid integer"):
        Settings.load(environ={"DB_MAX_OPEN_CONNS": "many"})


def test_a_name_that_belongs_to_another_program_says_which_wins():
    """LiteLLM's DATABASE_URL may hold options of Prisma's, that are wrong for nobody but us."""
    with pytest.raises(SettingsError, match=r"^DATABASE_URL .*'connection_limit'.*; PROXYSTORE_DATABASE_URL wins"):
        Settings.load(environ={"DATABASE_URL": "postgresql://u:p@h/litellm?connection_limit=10"})
