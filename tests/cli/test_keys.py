"""``keys``, ``projects`` and ``secrets`` on the command line."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proxystore import Store
from proxystore.credentials import is_well_formed
from tests import born
from tests.cli.conftest import Invoke
from tests.cli.served import COMMAND

_FOREIGN = "sk-Zm9vYmFyLTEyMzQ1Njc4OQ"


def _json(invoke: Invoke, *words: str) -> list[dict[str, Any]]:
    result = invoke(*words, "--json")
    assert result.exit_code == 0, result.stderr
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


def _one(invoke: Invoke, *words: str) -> dict[str, Any]:
    result = invoke(*words, "--json")
    assert result.exit_code == 0, result.stderr
    row: dict[str, Any] = json.loads(result.stdout)
    return row


async def _make_expired(name: str) -> None:
    async with Store() as store:
        await store.keys.create(name=name, expires_at=datetime.now(UTC) - timedelta(days=1))


def test_a_secret_is_told_once_and_alone_on_standard_output(invoke: Invoke) -> None:
    made = invoke("keys", "create", "demo")
    secret = made.stdout.strip()
    (key,) = _json(invoke, "keys", "list")

    assert made.exit_code == 0
    assert is_well_formed(secret.encode())
    assert secret not in made.stderr
    for words in (["list"], ["show", key["id"]], ["update", key["id"], "--name", "other"], ["deactivate", key["id"]]):
        for more in ([], ["--json"]):
            told = invoke("keys", *words, *more)
            assert told.exit_code == 0, told.stderr
            assert secret not in told.stdout + told.stderr
            assert secret[12:55] not in told.stdout + told.stderr


def test_a_key_is_made_with_everything_and_changed(invoke: Invoke) -> None:
    project = _one(invoke, "projects", "create", "search", "--setting", "disconnect=drain")
    words = "--project search --model gpt-4o --model gpt-5 --requests-per-minute 60 --tokens-per-minute 9000"
    more = "--max-requests 5 --daily-budget 1.50 --monthly-budget $50 --expires 30d --setting cache_ttl=60"
    made = _one(invoke, "keys", "create", "demo", *words.split(), *more.split())
    key = made["id"]

    assert is_well_formed(made.pop("secret").encode())
    assert (made["project_id"], made["models"], made["requests_per_minute"]) == (project["id"], ["gpt-4o", "gpt-5"], 60)
    assert (made["daily_budget"], made["monthly_budget"], made["settings"]) == ("1.5", "50", {"cache_ttl": 60})
    changed = _one(
        invoke,
        *("keys", "update", key, "--clear", "models", "--clear", "expires", "--max-requests", "7"),
        *("--setting", "cache_ttl=", "--setting", "unpriced=refuse"),
    )
    assert (changed["models"], changed["expires_at"], changed["max_requests"]) == (None, None, 7)
    assert (changed["settings"], changed["monthly_budget"]) == ({"unpriced": "refuse"}, "50")
    assert _json(invoke, "keys", "list", "--project", "search", "--active") == [changed]
    assert _json(invoke, "keys", "list", "--inactive") == []


def test_a_key_is_rotated_revoked_and_deleted(invoke: Invoke) -> None:
    first = _one(invoke, "keys", "create", "demo")
    second = _one(invoke, "keys", "rotate", first["id"], "--grace", "24h")

    assert second["secret"] != first["secret"]
    assert second["previous_until"] is not None
    assert invoke("keys", "rotate", first["id"]).stdout.strip() not in (first["secret"], second["secret"])
    assert invoke("keys", "revoke", first["id"]).stdout == "revoked 1\n"
    assert invoke("keys", "revoke", first["id"]).stdout == "revoked 0\n"
    refused = invoke("keys", "reactivate", first["id"])
    assert (refused.exit_code, "for ever" in refused.stderr) == (1, True)
    assert invoke("keys", "delete", first["id"]).exit_code == 1
    assert invoke("keys", "delete", first["id"], "--yes").stdout.startswith("deleted key_")
    assert _json(invoke, "keys", "list") == []
    assert len(_json(invoke, "keys", "list", "--deleted")) == 1


def test_many_are_revoked_by_project_or_by_age(invoke: Invoke) -> None:
    _one(invoke, "projects", "create", "p")
    _one(invoke, "keys", "create", "a", "--project", "p")
    asyncio.run(_make_expired("b"))

    assert invoke("keys", "revoke", "--project", "p").stdout == "revoked 1\n"
    assert invoke("keys", "revoke", "--expired").stdout == "revoked 1\n"
    assert invoke("keys", "revoke").exit_code == 2
    assert invoke("keys", "revoke", "--expired", "--project", "p").exit_code == 2
    unknown = invoke("keys", "revoke", "key_" + "0" * 32)
    assert (unknown.exit_code, unknown.stderr.splitlines()[-1]) == (1, "error: There is no such key.")


def test_a_key_is_imported_from_standard_input(place: Path) -> None:
    limits = ("--requests-per-minute", "9", "--monthly-budget", "5", "--setting", "unpriced=refuse")
    words = (*COMMAND, "keys", "import", "old", *limits, "--json", "--database", f"sqlite:///{place}/p.db")
    done = born.run(
        words, input=f"{_FOREIGN}\n", text=True, capture_output=True, timeout=60, check=True, env=dict(os.environ)
    )
    key = json.loads(done.stdout)

    assert (key["origin"], key["prefix"]) == ("imported", "sk-Zm9…c4OQ")
    assert (key["requests_per_minute"], key["monthly_budget"], key["settings"]) == (9, "5", {"unpriced": "refuse"})
    assert _FOREIGN not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "words", [["--name", "old"], ["--name=old"], ["--json", "--name", "old"], ["old"]], ids=" ".join
)
def test_a_name_may_also_be_given_as_an_option(invoke: Invoke, words: list[str]) -> None:
    assert _one(invoke, "keys", "adopt", "ab" * 32, *words)["name"] == "old"


def test_a_key_goes_by_its_name_unless_another_has_it(invoke: Invoke) -> None:
    key = _one(invoke, "keys", "create", "demo")
    assert _one(invoke, "keys", "show", "demo")["id"] == key["id"]
    assert invoke("keys", "metadata", "set", "demo", "tag", "team", "search").stdout == "tag team is search\n"
    assert invoke("keys", "revoke", "demo").stdout == "revoked 1\n"

    other = invoke("keys", "create", "demo")
    assert (other.exit_code, f"note: {key['id']} is called 'demo', too" in other.stderr) == (0, True)
    refused = " ".join(invoke("keys", "show", "demo").stderr.split())
    assert "more than one key is called 'demo': name its id, such as key_" in refused
    assert f"or {key['id']}" in refused


def test_who_gives_a_key_the_name_of_another_is_told(invoke: Invoke) -> None:
    first, second = (_one(invoke, "keys", "create", name)["id"] for name in ("one", "two"))
    assert "note:" not in invoke("keys", "update", second, "--name", "three").stderr
    assert "note:" not in invoke("keys", "update", second, "--name", "three").stderr

    told = f"note: {first} is called 'one', too: from now on, name them by their ids"
    assert told in invoke("keys", "adopt", "ab" * 32, "one").stderr
    assert "is called 'one', too" in invoke("keys", "update", second, "--name", "one").stderr
    assert "note:" not in invoke("keys", "update", second, "--max-requests", "1").stderr


@pytest.mark.parametrize("words", [["create", "n"], ["import", "n"], ["update", "n"]], ids=" ".join)
@pytest.mark.parametrize("when", ["2020-01-01", "1999-12-31T23:59"])
def test_a_key_whose_time_is_over_is_not_made(invoke: Invoke, words: list[str], when: str) -> None:
    refused = invoke("keys", *words, "--expires", when)

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert f"'{when}' is past: it is 20" in refused.stderr


def test_people_are_shown_what_a_project_is_called_and_programs_its_id(invoke: Invoke) -> None:
    project = _one(invoke, "projects", "create", "search")
    _one(invoke, "keys", "create", "demo", "--project", "search")

    assert " search " in invoke("keys", "list").stdout
    assert "search" in invoke("keys", "show", "demo").stdout
    assert project["id"] not in invoke("keys", "list").stdout
    assert [key["project_id"] for key in _json(invoke, "keys", "list")] == [project["id"]]


def test_what_is_written_on_a_key_is_listed(invoke: Invoke) -> None:
    key = _one(invoke, "keys", "create", "demo")["id"]
    assert invoke("keys", "metadata", "set", key, "tag", "team", "search").exit_code == 0

    assert _json(invoke, "keys", "metadata", "list", key) == [{"type": "tag", "key": "team", "value": "search"}]
    assert invoke("keys", "metadata", "delete", key, "tag", "team").exit_code == 0
    assert invoke("keys", "metadata", "delete", key, "tag", "team").exit_code == 1


def test_a_fingerprint_is_adopted(invoke: Invoke) -> None:
    key = _one(invoke, "keys", "adopt", "ab" * 32, "seen")

    assert (key["origin"], key["prefix"]) == ("adopted", "abababab…")


def test_projects_are_made_changed_and_deleted(invoke: Invoke) -> None:
    made = _one(invoke, "projects", "create", "search")
    key = _one(invoke, "keys", "create", "demo", "--project", made["id"])

    assert _one(invoke, "projects", "update", "search", "--name", "ads", "--setting", "unpriced=alert")["name"] == "ads"
    assert not _one(invoke, "projects", "deactivate", "ads", "--revoke-keys")["is_active"]
    assert _one(invoke, "projects", "reactivate", "ads")["is_active"]
    assert not _one(invoke, "keys", "show", key["id"])["is_active"]
    assert _one(invoke, "projects", "show", "ads")["settings"] == {"unpriced": "alert"}
    assert invoke("projects", "delete", "ads", "--yes").stdout == f"deleted {made['id']} (ads)\n"
    assert _json(invoke, "projects", "list") == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["keys", "create", "n", "--project", "nowhere"], "No project is called 'nowhere'"),
        (["keys", "create", "n", "--monthly-budget", "much"], "12.50"),
        (["keys", "create", "n", "--expires", "soon"], "30d"),
        (["keys", "create", "n", "--setting", "colour"], "NAME=VALUE"),
        (["keys", "create", "n", "--setting", "colour=1"], "colour"),
        (["keys", "show", "demo"], "No key is called 'demo'"),
        (["keys", "create"], "NAME"),
    ],
)
def test_what_is_wrong_is_told(invoke: Invoke, words: list[str], told: str) -> None:
    result = invoke(*words)

    assert result.exit_code in (1, 2)
    assert told.lower() in " ".join(result.stderr.split()).lower()  # the oldest typer leaves it to us to miss a NAME


def test_a_new_secret_is_printed_and_kept_nowhere(invoke: Invoke, place: Path) -> None:
    one, other = invoke("secrets", "new").stdout, invoke("secrets", "new").stdout

    assert one != other
    assert len(one.strip()) >= 32
    assert not list(place.iterdir())
