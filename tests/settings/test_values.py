"""Wrong values, unknown names, and what they are told with."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path

import pytest

from proxystore.errors import SettingsError
from proxystore.settings import Settings


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("90", 90), ("1.5", 1.5), ("250ms", 0.25), ("30s", 30), ("5m", 300), ("1h", 3600), ("1h30m", 5400),
     ("5m0s", 300), ("2d", 172_800), (" 5M ", 300)],
)  # fmt: skip
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert Settings.load(environ={"PROXYSTORE_CACHE_MODEL_TTL": text}).cache_model_ttl == seconds


@pytest.mark.parametrize("text", ["soon", "5 minutes", "-1", "5mm", "m", "inf", "nan"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^PROXYSTORE_CACHE_MODEL_TTL may be seconds, or a duration such as 30s"):
        Settings.load(environ={"PROXYSTORE_CACHE_MODEL_TTL": text})


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_number_that_is_no_duration_is_refused(value: float) -> None:
    with pytest.raises(SettingsError, match="cache_model_ttl should be"):
        Settings.load(environ={}, cache_model_ttl=value)


@pytest.mark.parametrize(("text", "read"), [("a, b,", ("a", "b")), ('["a", "b"]', ("a", "b")), ("[]", ())])
def test_a_list_is_words_or_json(text: str, read: tuple[str, ...]) -> None:
    assert Settings.load(environ={"PROXYSTORE_PLUGINS": text}).plugins == read


def test_networks_are_read() -> None:
    settings = Settings.load(environ={"PROXYSTORE_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8, ::1"})

    assert settings.trusted_proxies == (ip_network("127.0.0.1/32"), ip_network("10.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("LOG_FORMAT", "xml", "should be 'text' or 'json'"),
        ("AUTH", "maybe", "should be 'require', 'observe' or 'off'"),
        ("AUTO_MIGRATE", "perhaps", "should be a valid boolean"),
        ("MAX_BODY_BYTES", "0", "should be greater than 0"),
        ("POOL_MAX_SIZE", "0", "should be greater than or equal to 1"),
        ("POOL_MIN_SIZE", "11", "may be at most the pool's max_size, which is 10"),
        ("DATABASE_URL", "mysql://h/x", "has an unknown scheme 'mysql'; it may be sqlite,"),
        ("DATABASE_URL", "data/x.db", "is not a database URL; it may look like"),
        ("DATABASE_SCHEMA", "a-b", "may have small letters"),
        ("DATABASE_SCHEMA", "pg_own", "may have small letters"),
        ("REPLICAS", "postgres://a/x,b", "is not a database URL"),
        ("TRUSTED_PROXIES", "proxy.internal", "may be addresses or networks"),
        ("KEY_HEADER", "x key", "may be the name of an HTTP header"),
        ("PUBLIC_PATHS", "health", "may have paths that begin with /"),
        ("PUBLIC_PATHS", "/*/health", "with * at the end alone"),
        ("APP", "gateway.app", "may be MODULE:APP"),
        ("PLUGINS", "[1", "may be words separated by commas, or a JSON array"),
    ],
)
def test_a_wrong_value_names_the_variable_and_what_it_may_be(name: str, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=f"^PROXYSTORE_{name} .*{re.escape(words)}"):
        Settings.load(environ={f"PROXYSTORE_{name}": text})


def test_a_wrong_value_in_the_file_names_file_and_setting(tmp_path: Path) -> None:
    file = tmp_path / "proxystore.toml"
    file.write_text("[pool]\nmax_size = 0\n")

    with pytest.raises(SettingsError, match=r"proxystore\.toml: pool\.max_size should be greater"):
        Settings.load(file, {})


def test_every_wrong_value_is_told() -> None:
    with pytest.raises(SettingsError, match=r"PROXYSTORE_AUTH .*; PROXYSTORE_LOG_FORMAT "):
        Settings.load(environ={"PROXYSTORE_LOG_FORMAT": "x", "PROXYSTORE_AUTH": "x"})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("PROXYSTORE_DATABSE_URL", "PROXYSTORE_DATABASE_URL"),
        ("PROXYSTORE_POOL__MAX_SIZE", "PROXYSTORE_POOL_MAX_SIZE"),
        ("PROXYSTORE_CONFIGS", "PROXYSTORE_CONFIG"),
    ],
)
def test_an_unknown_variable_stops_the_start(name: str, meant: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} is no setting of proxystore \(did you mean {meant}\?\)$"):
        Settings.load(environ={name: "x"})


def test_variables_of_the_tests_are_let_be() -> None:
    assert Settings.load(environ={"PROXYSTORE_TEST_PG_URL": "x", "PROXY_OTHER": "y"}).sources["app"] == "default"


@pytest.mark.parametrize(("text", "name"), [('databse_url = "x"', "databse_url"), ("[pool]\nsize = 1", "pool.size")])
def test_an_unknown_name_in_the_file_stops_the_start(tmp_path: Path, text: str, name: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)

    with pytest.raises(SettingsError, match=rf"mine\.toml: {name} is no setting of proxystore"):
        Settings.load(file, {})


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^data_url is no setting of proxystore \(did you mean database_url\?\)$"):
        Settings.load(environ={}, data_url="x")
