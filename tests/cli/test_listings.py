"""``settings show`` and ``plugins list``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proxystore.settings import Settings
from tests.cli.conftest import Invoke


def _shown(invoke: Invoke, *words: str) -> dict[str, Any]:
    result = invoke("settings", "show", "--json", *words)
    assert result.exit_code == 0, result.stderr
    return {row["name"]: row for row in json.loads(result.stdout)}


def test_each_setting_is_shown_with_where_it_came_from(
    invoke: Invoke, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "proxystore.toml").write_text('disable = ["audit"]')
    monkeypatch.setenv("PROXYSTORE_POOL_MAX_SIZE", "4")
    monkeypatch.setenv("CACHE_MODEL_TTL", "5m")
    monkeypatch.setenv("PROXYSTORE_TRUSTED_PROXIES", "10.0.0.0/8")
    shown = _shown(invoke, "--database", "sqlite:///mine.db")

    assert shown["database_url"] == {"name": "database_url", "value": "sqlite:///mine.db", "source": "argument"}
    assert shown["pool.max_size"] == {"name": "pool.max_size", "value": 4, "source": "PROXYSTORE_POOL_MAX_SIZE"}
    assert shown["disable"] == {"name": "disable", "value": ["audit"], "source": "proxystore.toml"}
    assert shown["cache_model_ttl"] == {"name": "cache_model_ttl", "value": 300.0, "source": "CACHE_MODEL_TTL"}
    assert shown["trusted_proxies"]["value"] == ["10.0.0.0/8"]
    assert shown["app"] == {"name": "app", "value": None, "source": "default"}


def test_every_setting_is_shown(invoke: Invoke) -> None:
    assert list(_shown(invoke)) == list(Settings.load(environ={}).sources)


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_secrets_are_masked(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://user:cAnArY@host/name")
    monkeypatch.setenv("DB_REPLICAS", "postgres://user:cAnArY@other/name")
    monkeypatch.setenv("PROXYSTORE_PEPPER", "cAnArY")
    monkeypatch.setenv("PROXYSTORE_APP_AUTHORIZATION", "Bearer cAnArY")
    result = invoke("settings", "show", *words)

    assert result.exit_code == 0, result.stderr
    assert "postgresql://user:***@host:5432/name" in result.stdout
    assert "postgresql://user:***@other:5432/name" in result.stdout
    assert "cAnArY" not in result.stdout + result.stderr


def test_settings_are_readable(invoke: Invoke) -> None:
    lines = {line.split()[0]: line.split()[1:] for line in invoke("settings", "show").stdout.splitlines()}

    assert lines["setting"] == ["value", "from"]
    assert lines["max_body_bytes"] == ["67,108,864", "default"]
    assert lines["cache_api_key_ttl"] == ["300s", "default"]
    assert lines["auto_migrate"] == ["yes", "default"]


def test_a_plugin_that_cannot_be_left_out_since_there_is_none_is_told(invoke: Invoke) -> None:
    assert "note:" not in invoke("plugins", "list", "--disable", "keys").stderr
    told = invoke("plugins", "list", "--disable", "kyes")
    assert (told.exit_code, told.stderr) == (0, "note: there is no plugin 'kyes' to leave out\n")


def test_plugins_are_listed_in_order(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXYSTORE_PLUGINS", "tests.cli.plugin:Tester,usage")
    rows = json.loads(invoke("plugins", "list", "--json").stdout)

    assert [(row["order"], row["name"]) for row in rows if row["state"] == "on"] == [(1, "tester"), (2, "usage")]
    assert {row["name"]: row["state"] for row in rows}["audit"] == "not named"
    assert rows[0]["hooks"] == ["register_commands"]
    assert rows[1]["origin"] == "proxystore_usage:Usage"
    assert rows[1]["version"]


def test_plugins_are_readable(invoke: Invoke) -> None:
    assert invoke("plugins", "list").stdout.split()[:7] == [
        "order",
        "name",
        "version",
        "state",
        "from",
        "hooks",
        "1",
    ]


def test_a_plugin_that_is_left_out_is_listed_as_that(invoke: Invoke) -> None:
    rows = json.loads(invoke("plugins", "list", "--json", "--disable", "audit", "--disable=usage").stdout)
    states = {row["name"]: (row["order"], row["state"]) for row in rows}

    assert states["audit"] == states["usage"] == (None, "disabled")


def test_a_plugin_that_is_left_out_brings_no_commands(invoke: Invoke) -> None:
    assert invoke("--disable", "audit", "audit", "head").exit_code == 2


def test_what_the_setting_leaves_out_stays_out(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXYSTORE_DISABLE", "usage")
    rows = json.loads(invoke("plugins", "list", "--json", "--disable", "audit").stdout)

    assert {row["name"] for row in rows if row["state"] == "disabled"} == {"audit", "usage"}


def test_a_plugin_is_shown_with_its_place_at_each_hook(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXYSTORE_PLUGINS", "audit,usage")
    shown = json.loads(invoke("plugins", "show", "usage", "--json").stdout)
    places = {place["hook"]: (place["place"], place["of"]) for place in shown["hooks"]}

    assert (shown["name"], shown["state"], shown["order"]) == ("usage", "on", 2)
    assert places["on_usage"] == places["on_request"] == (2, 2)
    assert "on_usage" in invoke("plugins", "show", "audit").stdout
    assert invoke("plugins", "show", "nobody").exit_code == 1
