"""Plugins' own settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from proxystore.errors import SettingsError
from proxystore.settings import Duration, Settings, Words


class _Inner(BaseModel):
    depth: int = 0
    width: int = 0


class _Section(BaseModel):
    header: str = "x-mine"
    pause: Duration = 1.0
    names: tuple[str, ...] = ()
    more: Words = ()
    rates: dict[str, float] = {}
    inner: _Inner = _Inner()


class _Strict(BaseModel):
    token: str


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    file = tmp_path / "proxystore.toml"
    file.write_text(
        '[plugin.my-limits]\nheader = "x-file"\npause = 3\nnames = ["a"]\n'
        'rates = {"gpt-4.1" = 1.5}\ninner = {width = 3}\n'
    )
    return file


def test_a_section_comes_from_the_file(file: Path) -> None:
    section = Settings.load(file, {}).section("my-limits", _Section)

    assert (section.header, section.pause, section.names) == ("x-file", 3.0, ("a",))
    assert section.rates == {"gpt-4.1": 1.5}


def test_the_environment_wins_field_by_field(file: Path) -> None:
    environ = {
        "PROXYSTORE_MY_LIMITS__PAUSE": "5m",
        "PROXYSTORE_MY_LIMITS__NAMES": "b, c",
        "PROXYSTORE_MY_LIMITS__MORE": "d",
        "PROXYSTORE_MY_LIMITS__INNER__DEPTH": "2",
    }
    settings = Settings.load(file, environ)

    section = settings.section("my-limits", _Section)
    assert (section.header, section.pause, section.names, section.more) == ("x-file", 300.0, ("b", "c"), ("d",))
    assert section.inner == _Inner(depth=2, width=3)
    assert settings.sources["plugin.my_limits.pause"] == "PROXYSTORE_MY_LIMITS__PAUSE"
    assert settings.sources["plugin.my_limits.header"] == str(file)


def test_arguments_win_over_both(file: Path) -> None:
    settings = Settings.load(file, {"PROXYSTORE_MY_LIMITS__PAUSE": "5m"}, plugin={"my-limits": {"pause": 7}})

    assert settings.section("my-limits", _Section).pause == 7
    assert settings.sources["plugin.my_limits.pause"] == "argument"


def test_a_mapping_in_the_environment_is_json() -> None:
    settings = Settings.load(environ={"PROXYSTORE_LIMITS__RATES": '{"gpt-4.1": 2}'})

    assert settings.section("limits", _Section).rates == {"gpt-4.1": 2.0}


def test_a_plugin_without_a_section_has_its_defaults() -> None:
    assert Settings.load(environ={}).section("limits", _Section) == _Section()


@pytest.mark.parametrize(
    ("environ", "kind", "words"),
    [
        ({"PROXYSTORE_LIMITS__HAEDER": "x"}, _Section, r"PROXYSTORE_LIMITS__HAEDER is no .* \(did you mean header\?\)"),
        ({"PROXYSTORE_LIMITS__PAUSE": "soon"}, _Section, "PROXYSTORE_LIMITS__PAUSE may be seconds"),
        ({"PROXYSTORE_LIMITS__INNER__DEPTH": "x"}, _Section, "PROXYSTORE_LIMITS__INNER__DEPTH should be a valid int"),
        ({"PROXYSTORE_LIMITS__RATES": "{"}, _Section, "PROXYSTORE_LIMITS__RATES may be JSON"),
        ({}, _Strict, "plugin.limits.token must be set"),
    ],
)  # fmt: skip
def test_a_wrong_section_is_told(environ: dict[str, str], kind: type[BaseModel], words: str) -> None:
    settings = Settings.load(environ=environ)

    with pytest.raises(SettingsError, match=f"^{words}"):
        settings.section("limits", kind)


@pytest.mark.parametrize("known", [["usage", "limits"], ["Limits"]])
def test_a_section_of_a_known_plugin_is_no_error(known: list[str]) -> None:
    Settings.load(environ={"PROXYSTORE_LIMITS__PAUSE": "1"}).refuse_unknown_sections(known)


def test_a_section_of_nobody_is_refused() -> None:
    settings = Settings.load(environ={"PROXYSTORE_LIMTS__PAUSE": "1"})

    with pytest.raises(SettingsError, match=r"^PROXYSTORE_LIMTS__PAUSE: there is no plugin 'limts' \(did you mean lim"):
        settings.refuse_unknown_sections(["usage", "limits"])


@pytest.mark.parametrize("value", [{"limits": 3}, 4])
def test_an_argument_that_is_no_section_is_refused(value: Any) -> None:
    with pytest.raises(SettingsError, match="plugin must hold"):
        Settings.load(environ={}, plugin=value)
