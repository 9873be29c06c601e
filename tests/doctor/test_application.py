"""What the doctor finds of the application that is to be served."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxystore.doctor import Finding
from tests.doctor.examined import examined


def _finding(app: str, **settings: object) -> Finding:
    (finding,) = [each for each in examined(app=app, **settings) if each.check == "app"]
    return finding


@pytest.fixture(name="gateway", autouse=True)
def _gateway(tmp_path: Path) -> None:
    (tmp_path / "gateway.py").write_text(
        "print('hello')\nasync def app(scope, receive, send): ...\ndef make(): raise RuntimeError('no\\nmoney')\n"
    )
    (tmp_path / "leaving.py").write_text("import sys\nsys.exit('not today')\n")


def test_where_none_is_named_none_is_looked_for() -> None:
    assert not [each for each in examined() if each.check == "app"]


def test_an_application_that_can_be_imported_is_well() -> None:
    assert _finding("gateway:app").level == "ok"


@pytest.mark.parametrize(
    ("app", "is_factory", "why"),
    [
        ("gatway:app", False, "there is no module 'gatway'"),
        ("gateway:make", True, "failed: RuntimeError: no money"),
        ("leaving:app", False, "leaving:app: whoever imports it ends with 1: not today"),
    ],
)
def test_one_that_cannot_is_a_problem(app: str, is_factory: bool, why: str) -> None:
    finding = _finding(app, app_factory=is_factory)

    assert finding.level == "problem"
    assert why in finding.message
    assert "proxystore run MODULE:APP" in str(finding.mend)
