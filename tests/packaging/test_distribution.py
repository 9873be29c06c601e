"""What is built, what an installation of it can see, and what happens beside the other distribution of our name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import Final

import pytest

pytestmark = pytest.mark.xdist_group("an installation")  # made once: it takes seconds
_ROOT: Final = Path(__file__).parents[2]
_PLUGINS: Final = sorted(file.parent.name for file in _ROOT.glob("plugins/*/__init__.py"))
_FOLDERS: Final = {"proxystore": "src", "proxystore_migrations": "migrations", **dict.fromkeys(_PLUGINS, "plugins")}
"""Where in the checkout each package lies."""

_PIP_INSTALL: Final = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target")
_FIND: Final = (
    "import importlib.util as u, site, sys; site.addsitedir(sys.argv[1]); print(u.find_spec(sys.argv[2]).origin)"
)


def _run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run *command* unmeasured: what is installed here for a moment is no source that a report could show."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**ours, **environment})


def _find(folder: Path, package: str) -> Path:
    """Return where an interpreter that knows only *folder* finds *package*."""
    found = _run(sys.executable, "-S", "-c", _FIND, folder, package)
    assert found.returncode == 0, found.stderr
    return Path(found.stdout.strip())


@pytest.fixture(name="built", scope="module")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    done = _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, _ROOT)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(name="wheel", scope="module")
def _wheel(built: Path) -> Path:
    """Build the sdist, and the wheel out of it: what the sdist lacks, the wheel lacks."""
    (wheel,) = built.glob("*.whl")
    return wheel


@pytest.fixture(name="installed", scope="module")
def _installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    done = _run(*_PIP_INSTALL, folder, wheel)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_wheel_carries_every_file_of_every_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        carried = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        file.relative_to(_ROOT / folder).as_posix()
        for package, folder in _FOLDERS.items()
        for file in (_ROOT / folder / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }

    assert carried == expected
    assert {f"{package}/py.typed" for package in _FOLDERS} <= carried


def test_the_metadata_names_the_distribution_and_its_doors(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        files = {Path(name).name: archive.read(name) for name in archive.namelist() if ".dist-info/" in name}
    metadata = message_from_bytes(files["METADATA"])

    assert metadata["Name"] == "asgi-proxystore"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "LICENSE" in files
    assert b"[console_scripts]\nproxystore = proxystore.cli:main\n" in files["entry_points.txt"]
    named = dict.fromkeys(line.partition(" = ")[0] for line in files["entry_points.txt"].decode().splitlines())
    assert {plugin.removeprefix("proxystore_") for plugin in _PLUGINS} <= named.keys()


def test_the_sdist_can_run_its_own_tests(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        carried = {name.partition("/")[2] for name in archive.getnames()}

    assert {"tox.ini", "conftest.py", "README.md", "LICENSE", "tests/packaging/test_distribution.py"} <= carried


@pytest.mark.parametrize("package", _FOLDERS)
def test_an_installation_sees_every_package(installed: Path, package: str) -> None:
    assert _find(installed, package) == installed / package / "__init__.py"


def test_an_editable_installation_sees_every_package(tmp_path: Path) -> None:
    done = _run(*_PIP_INSTALL, tmp_path, "--no-build-isolation", "--editable", _ROOT)

    assert done.returncode == 0, done.stderr
    for package, folder in _FOLDERS.items():
        assert _find(tmp_path, package) == _ROOT / folder / package / "__init__.py"


@pytest.fixture(name="beside", scope="module")
def _beside(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Put another project's distribution ``proxystore`` in one place with ours, which was installed last."""
    folder = shutil.copytree(installed, tmp_path_factory.mktemp("beside") / "installed")
    metadata = folder / "proxystore-0.8.1.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: proxystore\nVersion: 0.8.1\n", encoding="utf-8")
    return folder


def test_the_command_works_where_it_is_installed(installed: Path) -> None:
    done = _run(sys.executable, installed / "bin" / "proxystore", "--help", PYTHONPATH=str(installed))

    assert done.returncode == 0, done.stderr
    assert "demo" in done.stdout


def test_the_import_beside_the_other_distribution_says_so_in_one_sentence(beside: Path) -> None:
    done = _run(sys.executable, "-c", "import proxystore", PYTHONPATH=str(beside))

    assert done.returncode != 0
    assert done.stderr.splitlines()[-1].startswith("ImportError: The distribution 'proxystore' is another project")


def test_the_command_beside_the_other_distribution_says_so_and_stops(beside: Path) -> None:
    done = _run(sys.executable, beside / "bin" / "proxystore", "settings", "show", PYTHONPATH=str(beside))

    assert done.returncode != 0
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "The distribution 'proxystore' is another project" in done.stderr
