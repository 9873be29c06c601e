"""What the doctor finds installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from proxystore.doctor import versions


def test_versions_are_told() -> None:
    told = next(versions.check()).message

    assert "asgi-proxystore" in told
    assert "Python 3." in told
    assert "asyncpg" in told


def test_this_environment_has_what_we_need() -> None:
    assert [finding.level for finding in versions.check()] == ["ok", "ok", "ok"]


@pytest.mark.parametrize(
    ("requirement", "mend"),
    [
        ("databases<0.5,>=0.4", "pip install 'databases<0.5,>=0.4'"),
        ("sqlalchemy[asyncio]>=99", "pip install 'sqlalchemy>=99'"),
        ("nowhere-to-be-found>=1", "pip install 'nowhere-to-be-found>=1'"),
    ],
)
def test_a_version_that_we_cannot_use_is_mended_by_pip(requirement: str, mend: str) -> None:
    (finding,) = versions.check_requirements([requirement])

    assert (finding.level, finding.mend) == ("problem", mend)


@pytest.mark.parametrize("requirement", ["pytest", "pytest>=8.2", "pytest<99,>=1.0.0", "nowhere>=1; extra == 'demo'"])
def test_a_version_that_we_can_use_is_well(requirement: str) -> None:
    assert not list(versions.check_requirements([requirement]))


def test_the_other_distribution_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "proxystore-0.8.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(tmp_path)

    (finding,) = [each for each in versions.check() if each.level == "problem"]

    assert finding.check == "distribution"
    assert "pip uninstall proxystore asgi-proxystore" in str(finding.mend)


def test_a_slower_server_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)

    (finding,) = [each for each in versions.check() if each.level == "warning"]

    assert finding.mend == "pip install 'uvicorn[standard]'"
