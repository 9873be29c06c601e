"""The example plugin, as its README says: copied, installed, tested, used, built, and taken out again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

import pytest

from proxystore.testing.postgres import Postgres

pytestmark = pytest.mark.xdist_group("a plugin, installed")  # made once: it takes seconds
_ROOT: Final = Path(__file__).parents[2]
_README: Final = (_ROOT / "examples" / "plugin" / "README.md").read_text(encoding="utf-8")
_COMMANDS: Final = _README.split("```sh\n")[1].split("```")[0]


def _run(place: Path, commands: str) -> str:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "PROXYSTORE_"))}
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "COLUMNS": "200"}  # 0 is: none
    offline["PIP_NO_COMPILE"] = "1"  # what is not used
    shell = ["bash", "-euc", commands]
    done = subprocess.run(shell, cwd=place, capture_output=True, text=True, check=False, env={**ours, **offline})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(name="plugin", scope="module")
def _plugin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Follow the README beside a checkout: where that led to, and what was told on the way.

    What comes from an index is there already, and so is pip, which takes ``python -m venv`` longer than all the rest.
    """
    beside = tmp_path_factory.mktemp("beside")
    checkout, place = beside / "proxystore", beside / "proxystore-blocklist"
    checkout.mkdir()
    for name in ("src", "plugins", "migrations", "examples", "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (_ROOT / name).is_dir() else shutil.copy
        copy(_ROOT / name, checkout / name)
    venv.create(place / ".venv", symlinks=True)
    pip = place / ".venv" / "bin" / "pip"
    pip.write_text('#!/bin/sh\nexec "${0%pip}python" -m pip "$@"\n', encoding="ascii")
    pip.chmod(0o755)
    (packages,) = place.glob(".venv/lib/python*/site-packages")
    (packages / "from_an_index.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    # The folder is there now: `cp -R` would copy into it.
    return place, _run(checkout, _COMMANDS.replace("cp -R examples/plugin ", "cp -R examples/plugin/. "))


def test_its_commands_lead_from_nothing_to_a_tested_wheel(plugin: tuple[Path, str]) -> None:
    place, told = plugin

    assert " passed" in told
    assert "proxystore_blocklist:Blocklist" in told
    assert "mallory" in told.split("mallory is blocked", 1)[1]
    assert [file.name for file in (place / "dist").iterdir()] == ["proxystore_blocklist-0.1.0-py3-none-any.whl"]


def test_taken_out_it_leaves_its_table_and_nothing_else(plugin: tuple[Path, str]) -> None:
    place, _ = plugin
    from_its_wheel = """
        .venv/bin/pip uninstall --yes --quiet proxystore-blocklist
        .venv/bin/pip install --quiet dist/*.whl
        .venv/bin/proxystore blocklist list
    """
    without_it = """
        .venv/bin/pip uninstall --yes --quiet proxystore-blocklist
        .venv/bin/proxystore db check
        .venv/bin/proxystore plugins list
        ! .venv/bin/proxystore blocklist list 2>&1
    """

    assert "mallory" in _run(place, from_its_wheel)
    listed, refused = _run(place, without_it).split("Usage:", 1)
    assert "blocklist" not in listed
    assert "No such command 'blocklist'" in refused


def test_its_tests_pass_on_postgresql(postgres: Postgres) -> None:
    there = {
        **os.environ,
        "PYTHONPATH": str(_ROOT / "examples" / "plugin" / "src"),
        "PROXYSTORE_PLUGINS": "proxystore_blocklist:Blocklist",
        "PROXYSTORE_TEST_PG_URL": postgres.url,
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--proxystore-database", "postgres"]
    place = _ROOT / "examples" / "plugin"
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, env=there)

    assert done.returncode == 0, done.stdout
