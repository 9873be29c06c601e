"""``proxystore doctor`` as it is typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from proxystore.cli import main


class _Done(NamedTuple):
    code: int
    out: str
    err: str


_Doctor = Callable[..., _Done]


@pytest.fixture(name="doctor")
def _doctor(
    migrated_url: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> _Doctor:
    """Run ``proxystore doctor`` on a migrated database, on a disk that lasts."""
    table = place / "mountinfo"
    table.write_text("27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n")
    monkeypatch.setattr("proxystore.doctor.mounts._TABLE", table)
    monkeypatch.setenv("PROXYSTORE_DATABASE_URL", migrated_url)

    def run(*words: str) -> _Done:
        with pytest.raises(SystemExit) as caught:
            main(["doctor", *words])
        return _Done(int(caught.value.code or 0), *capsys.readouterr())

    return run


def test_all_well_ends_with_zero(doctor: _Doctor) -> None:
    done = doctor()

    assert done.code == 0
    assert "no problems" in done.out
    assert not done.err


def test_each_problem_stands_above_what_mends_it(doctor: _Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXYSTORE_PLUGINS", "usage,nowhere")

    done = doctor()

    assert done.code == 1
    lines = done.out.splitlines()
    (place,) = [number for number, line in enumerate(lines) if line.startswith("problem")]
    assert "'nowhere': is not installed" in lines[place]
    assert lines[place + 1].strip().startswith("→ ")
    assert "1 problem," in lines[-1]


def test_programs_get_json(doctor: _Doctor) -> None:
    findings = json.loads(doctor("--json").out)

    assert {tuple(finding) for finding in findings} == {("check", "level", "message", "mend")}
    assert {finding["level"] for finding in findings} <= {"ok", "warning"}


def test_wrong_settings_are_named_and_the_rest_is_looked_at(doctor: _Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXYSTORE_MAX_BODY_BYTES", "-1")

    done = doctor("--json")

    assert done.code == 1
    levels = {finding["check"]: finding["level"] for finding in json.loads(done.out)}
    assert levels["settings"] == "problem"
    assert levels["versions"] == "ok"
    assert "PROXYSTORE_MAX_BODY_BYTES" in done.out


def test_the_global_options_may_stand_anywhere(doctor: _Doctor, place: Path) -> None:
    done = doctor("--database", f"sqlite:///{place}/other.db")

    assert "other.db is not there yet" in done.out
    assert not (place / "other.db").exists()


def test_a_settings_file_that_is_not_there_is_a_finding(doctor: _Doctor) -> None:
    done = doctor("--config", "nowhere.toml")

    assert done.code == 1
    assert "nowhere.toml" in done.out


def test_a_word_that_happens_to_be_doctor_is_not_the_command(
    doctor: _Doctor, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["usage", "show", "doctor"])

    assert "UUID" in capsys.readouterr().err
