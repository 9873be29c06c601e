"""What the doctor finds wrong with directories and files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from proxystore.doctor import locks, mounts, permissions, space
from proxystore.settings import Settings
from tests.doctor.examined import examined, only, problems

_CONTAINER = """\
1 0 0:1 / / rw - overlay overlay rw,lowerdir=/a,upperdir=/b
2 1 0:2 / /dev/shm rw - tmpfs shm rw
3 1 8:1 / /data rw shared:1 master:2 - ext4 /dev/sda1 rw
4 3 0:3 / /data/with\\040space rw - tmpfs none rw
5 1 0:4 / /srv rw - ext4 /dev/sdb1 rw
6 1 0:5 / /srv rw - tmpfs none rw
"""


def _settings(place: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{place}/proxystore.db")


@pytest.mark.parametrize(
    ("place", "point", "kind"),
    [
        ("/app/data", "/", "overlay"),
        ("/data", "/data", "ext4"),
        ("/data/proxystore", "/data", "ext4"),
        ("/database", "/", "overlay"),
        ("/data/with space/x", "/data/with space", "tmpfs"),
        ("/srv/data", "/srv", "tmpfs"),
    ],
)
def test_the_mount_of_a_place_is_found(place: str, point: str, kind: str) -> None:
    assert mounts.mount_of(Path(place), _CONTAINER) == (Path(point), kind)


def test_a_layer_that_dies_with_the_container_wants_a_volume() -> None:
    (finding,) = mounts.check_table(_settings(Path("/nowhere/proxystore")), _CONTAINER)

    assert finding.level == "problem"
    assert "dies with the container" in finding.message
    assert finding.mend == "make it a volume: docker run -v proxystore:/nowhere/proxystore …"


def test_a_journal_that_dies_is_a_warning_where_the_database_is_a_server() -> None:
    settings = Settings(database_url="postgresql://localhost/name", data_dir=Path("/nowhere"))

    assert [finding.level for finding in mounts.check_table(settings, _CONTAINER)] == ["warning"]


def test_a_system_without_a_table_of_mounts_is_no_problem(data_dir: Path) -> None:
    assert [finding.level for finding in mounts.check_table(_settings(data_dir), "")] == ["ok"]


def test_memory_is_told_and_that_it_is_nearly_full(memory: Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if memory is None:
        pytest.skip("no tmpfs can be mounted here; the table of mounts has its own tests")
    monkeypatch.setattr(mounts, "_TABLE", Path("/proc/self/mountinfo"))

    findings = problems(examined(database_url=f"sqlite:///{memory}/proxystore.db"))

    assert {finding.check for finding in findings} == {"volume", "space"}
    assert any("memory (tmpfs at" in finding.message for finding in findings)


@pytest.mark.parametrize(("mebibytes", "level"), [(10, "problem"), (100, "warning"), (5_000, "ok")])
def test_a_disk_that_is_nearly_full_is_told(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, mebibytes: int, level: str
) -> None:
    usage = SimpleNamespace(free=mebibytes * 1024 * 1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    assert [finding.level for finding in space.check(_settings(data_dir))] == [level]


def test_what_others_may_read_is_closed_by_chmod(data_dir: Path) -> None:
    data_dir.chmod(0o755)
    (data_dir / "proxystore.db").touch(0o644)

    (finding,) = permissions.check(_settings(data_dir))

    assert finding.level == "warning"
    assert finding.mend == f"chmod go-rwx {data_dir} {data_dir}/proxystore.db"


def test_a_secret_that_others_may_read_is_closed_by_chmod(data_dir: Path) -> None:
    data_dir.chmod(0o755)
    (data_dir / "pepper").touch(0o644)

    (finding,) = permissions.check(_settings(data_dir))

    assert finding.mend == f"chmod go-rwx {data_dir} {data_dir}/pepper"


def test_a_directory_that_holds_other_things_is_left_as_it_is(data_dir: Path) -> None:
    data_dir.chmod(0o755)
    (data_dir / "proxystore.db").touch(0o644)
    (data_dir / "somebody's").touch(0o644)

    (finding,) = permissions.check(_settings(data_dir))

    assert finding.mend == f"chmod go-rwx {data_dir}/proxystore.db"


def test_a_directory_that_others_may_write_in_is_no_place_for_us(data_dir: Path) -> None:
    data_dir.chmod(0o777)
    (data_dir / "somebody's").touch(0o644)

    (finding,) = permissions.check(_settings(data_dir))

    assert "others may write in" in finding.message
    assert "PROXYSTORE_DATA_DIR" in str(finding.mend)


def test_nobody_is_told_to_lock_up_what_is_not_ours() -> None:
    findings = list(permissions.check(Settings(database_url="sqlite:////etc/passwd")))

    assert not [finding for finding in findings if "chmod" in str(finding.mend)]


def test_our_own_directory_that_we_may_not_write_in_is_made_writable(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_, **__: False)  # root may write wherever it wants

    (finding,) = permissions.check(_settings(data_dir))

    assert finding.mend == f"chmod u+rwX {data_dir}"


def test_an_open_file_behind_a_closed_door_is_well(data_dir: Path) -> None:
    (data_dir / "proxystore.db").touch(0o644)

    assert [finding.level for finding in permissions.check(_settings(data_dir))] == ["ok"]


def test_what_is_not_ours_is_told(data_dir: Path, nobody: None) -> None:
    if Path("/").stat().st_uid == os.geteuid():
        pytest.skip("everything here is ours")

    findings = list(permissions.check(Settings(database_url="sqlite:////etc/hostname")))

    assert any("not ours" in finding.message and "chown" in str(finding.mend) for finding in findings)


def test_root_is_told_to_ask_as_the_owner(data_dir: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give a file away")
    os.chown(data_dir, 4711, 4711)

    (finding,) = permissions.check(_settings(data_dir))

    assert finding.mend == "sudo -u '#4711' proxystore doctor"


def test_a_directory_that_cannot_be_written_is_a_problem(tmp_path: Path, nobody: None) -> None:
    closed = tmp_path if tmp_path.stat().st_uid != os.geteuid() else tmp_path / "closed"
    if closed != tmp_path:
        closed.mkdir(mode=0o500)

    findings = problems(list(permissions.check(_settings(closed / "new"))))

    assert [f"may not write in {closed}" in finding.message for finding in findings] == [True]


def test_a_file_that_cannot_be_written_is_a_problem(tmp_path: Path, nobody: None) -> None:
    findings = problems(list(permissions.check(Settings(database_url="sqlite:////etc/passwd"))))

    assert any("may not read and write /etc/passwd" in finding.message for finding in findings)


def test_a_file_in_place_of_the_directory_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    findings = list(permissions.check(Settings(database_url="postgresql://localhost/x", data_dir=tmp_path / "file")))

    assert "is not a directory" in problems(findings)[0].message


def test_locks_that_do_nothing_are_told(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcntl.flock", lambda *_: None)

    (finding,) = locks.check(_settings(data_dir))

    assert finding.level == "problem"
    assert "no effect" in finding.message


def test_locks_that_cannot_be_had_are_told(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)

    assert "cannot be had" in next(locks.check(_settings(data_dir))).message


def test_two_doctors_at_once_do_not_alarm_each_other(data_dir: Path) -> None:
    import fcntl

    other = os.open(data_dir, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)

    assert [finding.level for finding in locks.check(_settings(data_dir))] == ["ok"]
    os.close(other)


def test_everything_is_well_with_a_directory_of_ones_own(data_dir: Path) -> None:
    findings = examined(database_url=f"sqlite:///{data_dir}/proxystore.db")

    for check in ("permissions", "volume", "space", "locks"):
        assert only(findings, check, "ok"), check
