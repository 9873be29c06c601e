"""Places to examine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_NOBODY = 65534


@pytest.fixture(name="data_dir", autouse=True)
def _data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of the test's own, ours alone, in a working directory of its own; on a disk that lasts."""
    table = tmp_path / "mountinfo"
    table.write_text("27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n")
    monkeypatch.setattr("proxystore.doctor.mounts._TABLE", table)
    monkeypatch.chdir(tmp_path)
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    return data_dir


@pytest.fixture(name="nobody")
def _nobody(tmp_path: Path) -> Iterator[None]:
    """Be somebody who may not do everything, if the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    for place in (tmp_path, *tmp_path.parents):
        if not place.stat().st_mode & 0o005:  # pytest's own directories, however many there are
            place.chmod(0o755)
    os.seteuid(_NOBODY)
    yield
    os.seteuid(0)


@pytest.fixture(name="memory")
def _memory(tmp_path: Path) -> Iterator[Path | None]:
    """A small tmpfs; ``None`` where it cannot be had."""
    place = tmp_path / "memory"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        yield None
        return
    yield place
    subprocess.run(["umount", str(place)], check=True)
