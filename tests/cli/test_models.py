"""``proxystore models``, ``providers`` and ``families``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Invoke

_FILE = str(Path(__file__).parent.parent / "pricelists" / "small.json")


@pytest.fixture(name="run")
def _run(invoke: Invoke, migrated_url: str) -> Any:
    """Run a command that succeeds; return its JSON, or its words."""

    def run(*words: str, code: int = 0) -> Any:
        done = invoke("--database", migrated_url, *words)
        assert done.exit_code == code, done.output
        return json.loads(done.stdout) if "--json" in words else done.output

    return run


def test_a_fresh_install_explains_what_something_costs(run: Any) -> None:
    words = run("models", "cost", "openai/gpt-4o-2024-08-06", "--input", "1000", "--output", "500", "--cache-read", "4")
    lines = run("models", "cost", "gpt-4o", "--input", "1000", "--output", "500", "--cache-read", "4", "--json")

    assert "is gpt-4o (bundled, from genai-prices)" in words
    assert [(line["bucket"], line["dollars"]) for line in lines][-1] == ("total", "0.007505000")
    assert [line["bucket"] for line in lines] == ["input_tokens", "cache_read_tokens", "output_tokens", "total"]
    assert "models import genai-prices" in run("models", "list")
    assert "$2.5/M" in run("models", "show", "gpt-4o")


def test_what_has_no_price_is_told(run: Any) -> None:
    assert "no known price" in run("models", "cost", "gpt-4o", "--seconds", "3", code=1)
    assert "Is it one of" in run("models", "cost", "gpt-4oo", "--input", "3", code=1)


def test_models_are_added_changed_priced_and_removed(run: Any) -> None:
    run("models", "create", "ours", "--provider", "us", "--family", "first", "--input", "2.50", "--output", "10")
    run("models", "update", "ours", "--mode", "chat", "--set", "supports_vision=true", "--set", 'endpoints=["/v1/x"]')
    run("models", "price", "ours", "--input", "3", "--output", "12", "--cache-read", "0.3")
    run("models", "price", "ours", "--input", "1", "--tier", "batch", "--above", "1000")
    shown = run("models", "show", "ours", "--json")
    prices = run("models", "price", "ours", "--json")

    assert (shown["provider"], shown["family"], shown["mode"]) == ("us", "first", "chat")
    assert (shown["supports_vision"], shown["endpoints"]) == (True, ["/v1/x"])
    assert [(price["service_tier"], price["input_femtousd"]) for price in prices] == [
        ("", 2_500_000_000),
        ("batch", 1_000_000_000),
        ("", 3_000_000_000),
    ]
    assert "tier batch, above 1,000 input tokens" in run("models", "price", "ours")
    assert run("models", "price", "ours", "--unset", "--json") == []
    run("models", "delete", "ours", "--yes")
    assert run("models", "list", "--json") == []


def test_aliases_and_rules_are_set_listed_and_removed(run: Any) -> None:
    run("models", "create", "ours", "--input", "1")
    run("models", "alias", "set", "fast", "ours")
    run("models", "alias", "set", "fast", "ours", "--client", "key_1")
    assert [(each["alias"], each["client"]) for each in run("models", "alias", "list", "--json")] == [
        ("fast", None),
        ("fast", "key_1"),
    ]
    run("models", "alias", "delete", "fast", "--client", "key_1")
    assert "fast is ours (alias, from manual)" in run("models", "cost", "fast", "--input", "5")
    rule = run("models", "rule", "create", "team-*", "ours", "--priority", "3").splitlines()[-1]
    run("models", "rule", "disable", rule)
    run("models", "rule", "enable", rule)
    (listed,) = run("models", "rule", "list", "--json")
    assert (listed["id"], listed["pattern"], listed["priority"], listed["is_enabled"]) == (rule, "team-*", 3, True)
    run("models", "rule", "delete", rule)
    assert run("models", "rule", "list", "--json") == []
    run("models", "rule", "delete", "no-id", code=2)


def test_lists_are_imported_and_searched(run: Any) -> None:
    first = run("models", "import", "litellm", _FILE, "--json")
    again = run("models", "import", "litellm", _FILE, "--json")

    assert (first["added"], again["unchanged"]) == (9, 9)
    assert [model["name"] for model in run("models", "list", "--provider", "anthropic", "--json")] == [
        "claude-sonnet-4-5"
    ]
    assert "claude-sonnet-4-5" in run("models", "search", "cluade sonnet 4.5", "--limit", "3")


def test_providers_and_families_are_kept(run: Any) -> None:
    run("providers", "create", "us", "--base-url", "https://us.example", "--set", 'features={"batch": true}')
    run("providers", "update", "us", "--auth-method", "bearer")
    run("families", "create", "us", "first", "--description", "One")
    run("families", "update", "us", "first", "--description", "The first")
    provider = run("providers", "show", "us", "--json")
    family = run("families", "show", "us", "first", "--json")

    assert (provider["base_url"], provider["auth_method"]) == ("https://us.example", "bearer")
    assert (provider["features"], family["description"]) == ({"batch": True}, "The first")
    assert "us.example" in run("providers", "list")
    assert "The first" in run("families", "list")
    run("families", "delete", "us", "first", "--yes")
    run("providers", "delete", "us", "--yes")
    assert run("providers", "list", "--json") == []


def test_what_is_there_already_is_named(run: Any) -> None:
    run("models", "create", "ours", "--provider", "us")
    assert "There is a model named 'ours' already." in run("models", "create", "ours", code=1)
    assert "There is a provider named 'us' already." in run("providers", "create", "us", code=1)


@pytest.mark.parametrize(
    "words",
    [
        ("models", "price", "gpt-4o", "--input", "cheap"),
        ("models", "price", "gpt-4o", "--input", "1", "--unset"),
        ("models", "price", "gpt-4o", "--from", "yesterday"),
        ("models", "create", "x", "--set", "nothing"),
        ("models", "import", "litellm", "no-such-file.json"),
    ],
)
def test_a_wrong_use_is_told(run: Any, words: tuple[str, ...]) -> None:
    run(*words, code=2)
