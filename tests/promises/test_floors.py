"""The import contracts speak of the house as it stands; `tox -e imports` keeps them."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any, Final

from tests.promises.house import CORE, ROOT

_PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
_LINTER: Final = _PROJECT["tool"]["importlinter"]
_FLOORS: Final = next(contract for contract in _LINTER["contracts"] if contract["id"] == "floors")
_LAYERS: Final = [layer.strip() for line in _FLOORS["layers"] for layer in line.split("|")]
_ROOMS: Final = {file.stem for file in CORE.glob("*.py")} - {"__init__"} | {
    file.parent.name for file in CORE.glob("*/__init__.py")
}
_PACKAGES: Final = {
    file.parent.name for folder in ("src", "plugins", "migrations") for file in ROOT.glob(f"{folder}/*/__init__.py")
}


def test_every_room_has_its_floor() -> None:
    built = {layer for layer in _LAYERS if not layer.startswith("(")}

    assert _FLOORS["exhaustive"]
    assert built == _ROOMS, "a room without a floor, or one still in brackets"


def test_every_package_is_under_contract() -> None:
    assert set(_LINTER["root_packages"]) == _PACKAGES


def test_every_package_is_in_the_wheel() -> None:
    wheel = _PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]

    assert {path.rpartition("/")[2] for path in wheel["packages"]} == _PACKAGES


def test_the_oldest_versions_are_the_ones_tested_with() -> None:
    """But for typing-extensions, which the tests' own tools need newer."""
    floors = [text.partition(",")[0].replace(">=", "==") for text in _PROJECT["project"]["dependencies"]]
    lowest = {re.sub(r"\[.*\]", "", floor) for floor in floors}
    pinned = {line for line in (ROOT / "tests" / "oldest.txt").read_text("utf-8").splitlines() if "==" in line}

    assert {text for text in lowest if not text.startswith("typing-extensions")} == pinned


def test_every_package_says_that_it_is_typed() -> None:
    assert {file.parent.name for file in ROOT.glob("*/*/py.typed")} == _PACKAGES


def test_every_package_is_measured() -> None:
    coverage = _PROJECT["tool"]["coverage"]

    assert set(coverage["run"]["source_pkgs"]) == _PACKAGES
    assert {re.sub(r".*/", "", path[0]) for path in coverage["paths"].values()} == _PACKAGES


def test_every_bundled_plugin_is_an_entry_point() -> None:
    plugins = {file.parent.name for file in ROOT.glob("plugins/*/__init__.py")}
    targets = _PROJECT["project"]["entry-points"]["proxystore"].values()

    assert {target.partition(":")[0] for target in targets} == plugins


def test_every_package_logs_as_the_server_does() -> None:
    for log_format in ("text", "json"):
        config = json.loads((CORE / "asgi" / f"logs_{log_format}.json").read_text("utf-8"))

        assert set(config["loggers"]) >= _PACKAGES - {"proxystore_migrations"}, "who logs nothing is excepted"
