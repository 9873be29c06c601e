"""What the doctor finds wrong with plugins."""

from __future__ import annotations

import pytest

from tests.doctor.examined import examined, only, problems


def _plugin(name: str) -> str:
    return f"tests.doctor.plugins:{name}"


def test_plugins_that_load_are_named() -> None:
    (finding,) = only(examined(plugins=None), "plugins", "ok")

    assert "usage" in finding.message


def test_each_plugin_that_does_not_load_is_named() -> None:
    wanted = ("nowhere", "usage", _plugin("Failing"), _plugin("Good"), _plugin("Misspelt"), "tests.nowhere:Plugin")

    findings = problems(examined(plugins=wanted))

    assert [finding.check for finding in findings] == ["plugins"] * 4
    for finding, name in zip(findings, ("nowhere", "failing", "misspelt", "tests.nowhere:Plugin"), strict=True):
        assert name in finding.message
        assert "PROXYSTORE_DISABLE" in str(finding.mend)


def test_what_else_is_wrong_is_still_found() -> None:
    findings = examined(plugins=(_plugin("Failing"),), database_url="postgresql://localhost:1/away")

    assert {finding.check for finding in problems(findings)} == {"plugins", "database"}


def test_a_plugins_wrong_setting_is_named() -> None:
    (finding,) = problems(examined(plugins=(_plugin("Choosy"),), plugin={"choosy": {"size": "large"}}))

    assert "plugin.choosy.size" in finding.message


def test_settings_for_a_plugin_that_is_not_there_are_named() -> None:
    (finding,) = problems(examined(plugins=(_plugin("Good"),), plugin={"godo": {"size": 1}}))

    assert "there is no plugin 'godo' (did you mean good?)" in finding.message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Formless", "no formats today"),
        ("Lost", "where are they?"),
        ("Leaving", "commands failed: SystemExit"),
    ],
)
def test_a_plugin_that_breaks_in_use_is_named(name: str, message: str) -> None:
    (finding,) = problems(examined(plugins=(_plugin(name),)))

    assert name.lower() in finding.message
    assert message in finding.message
    assert "--disable" not in finding.message
    assert f"--disable {_plugin(name)}" in str(finding.mend)
