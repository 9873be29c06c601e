from __future__ import annotations

import errno
import logging
import os
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from proxystore.errors import StoreUnavailable
from proxystore.ledger import segment as segment_module
from proxystore.ledger.entries import LONGEST_ID, LONGEST_MODEL, MOST, MOST_NANOUSD
from proxystore.ledger.host import host_id
from proxystore.ledger.journal import Journal
from proxystore.ledger.segments import Segments
from proxystore.ledger.tail import Item, Tail
from tests.ledger.world import begin, entry

_STORE = UUID(int=7)


class Disk:
    """Stands between the journal and the disk: full for as long as one says."""

    def __init__(self, room: int | None = None) -> None:
        self.room = room

    def write(self, file: int, data: bytes) -> int:
        if self.room is None:
            return os.write(file, data)
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = os.write(file, data[: self.room])
        self.room -= written
        return written

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)


@pytest.fixture(name="disk")
def _disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(segment_module, "os", disk)
    monkeypatch.setattr(segment_module, "syscalls", disk)
    return disk


def _open(directory: Path, **options: int) -> Journal:
    journal = Journal(directory, _STORE, **options)
    journal.open()
    return journal


def _read(directory: Path, most: int = 10_000) -> list[Item]:
    segments = Segments(directory, _STORE, host_id())
    segments.refresh()
    items = segments.read(most)
    segments.forget()
    return items


def _events(directory: Path) -> list[UUID]:
    return [item.entry.event_id for item in _read(directory) if item.entry is not None]


def _segment(directory: Path) -> Path:
    (path,) = directory.glob("*.seg")
    return path


def test_an_entry_is_read_back_as_it_was(tmp_path: Path) -> None:
    journal = _open(tmp_path)
    given = entry(request_model="größer/模型", reasoning_tokens=3)
    journal.end(given)
    assert [item.entry for item in _read(tmp_path)] == [given]
    journal.close()


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    journal = _open(tmp_path / "journal")
    assert (tmp_path / "journal").stat().st_mode & 0o777 == 0o700
    assert _segment(tmp_path / "journal").stat().st_mode & 0o777 == 0o600
    journal.close()


def test_what_does_not_fit_a_column_is_made_to_fit(tmp_path: Path) -> None:
    journal = _open(tmp_path)
    journal.end(
        entry(
            key_id="a\0b" * 100,
            request_model="\ud800" + "m" * 10_000_000,
            input_tokens=2**63,
            output_tokens=-5,
            cost_nanousd=2**70,
            status=10**9,
        )
    )
    (item,) = _read(tmp_path)
    assert item.entry is not None
    assert item.entry.key_id == ("ab" * 100)[:LONGEST_ID]
    assert item.entry.request_model == "?" + "m" * (LONGEST_MODEL - 1)
    numbers = (item.entry.input_tokens, item.entry.output_tokens, item.entry.cost_nanousd, item.entry.status)
    assert numbers == (MOST, 0, MOST_NANOUSD, 999)
    journal.close()


def test_an_open_segment_is_followed_and_its_begins_wait(tmp_path: Path) -> None:
    journal = _open(tmp_path)
    segments = Segments(tmp_path, _STORE, host_id())
    started = begin()
    journal.begin(started)
    segments.refresh()
    assert segments.read(10) == []
    journal.end(entry(event_id=started.event_id))
    assert [item.entry.event_id for item in segments.read(10) if item.entry] == [started.event_id]
    assert segments.read(10) == []
    journal.close()
    segments.forget()


def test_a_torn_tail_is_waited_for_while_its_owner_lives(tmp_path: Path) -> None:
    journal = _open(tmp_path)
    journal.end(entry())
    whole = _segment(tmp_path).read_bytes()
    with _segment(tmp_path).open("ab") as file:
        file.write(whole[-200:-100])
    assert len(_read(tmp_path)) == 1
    journal.close()


@pytest.mark.parametrize("kept", [1, 5, 11, 50, 200])
def test_a_torn_tail_of_the_dead_is_set_apart(tmp_path: Path, kept: int) -> None:
    journal = _open(tmp_path)
    first, torn = entry(), entry()
    journal.end(first)
    size = _segment(tmp_path).stat().st_size
    journal.end(torn)
    journal.close()
    os.truncate(_segment(tmp_path), size + kept)
    good, bad = _read(tmp_path)
    assert good.entry == first
    assert (bad.entry, len(bad.raw or b"")) == (None, kept)


def test_entries_behind_a_damaged_one_are_found(tmp_path: Path) -> None:
    journal = _open(tmp_path)
    entries = [entry() for _ in range(3)]
    ends = []
    for given in entries:
        journal.end(given)
        ends.append(_segment(tmp_path).stat().st_size)
    journal.close()
    with _segment(tmp_path).open("r+b") as file:
        file.seek(ends[0] + 40)
        file.write(b"\xa7L\0\0\0")
    items = _read(tmp_path)
    assert [item.entry for item in items] == [entries[0], None, entries[2]]
    assert [item.end for item in items] == ends


def test_what_was_begun_by_the_dead_has_failed(tmp_path: Path) -> None:
    journal = _open(tmp_path)
    started = begin(request_model="gpt-5", project_id="proj_9")
    journal.begin(started)
    journal.end(entry())
    assert len(_read(tmp_path)) == 1
    journal.close()
    _, orphan = _read(tmp_path)
    assert orphan.entry is not None
    assert (orphan.entry.event_id, orphan.entry.outcome, orphan.entry.quality) == (
        started.event_id,
        "failed",
        "estimated",
    )
    assert (orphan.entry.project_id, orphan.entry.request_model) == ("proj_9", "gpt-5")
    assert orphan.end > _segment(tmp_path).stat().st_size


def test_a_full_segment_gives_way_to_another_and_open_begins_move_along(tmp_path: Path) -> None:
    journal = _open(tmp_path, largest_segment=4_000)
    long = begin()
    journal.begin(long)
    entries = [entry() for _ in range(50)]
    for given in entries:
        journal.end(given)
    assert len(list(tmp_path.glob("*.seg"))) > 2
    assert sorted(_events(tmp_path)) == sorted(given.event_id for given in entries)
    journal.end(entry(event_id=long.event_id))
    journal.close()
    events = _events(tmp_path)
    assert len(events) == 51
    assert long.event_id in events


def test_a_short_write_leaves_nothing_and_is_made_up_for(tmp_path: Path, disk: Disk) -> None:
    journal = _open(tmp_path)
    first, second, third = entry(), entry(), entry()
    journal.end(first)
    size = _segment(tmp_path).stat().st_size
    disk.room = 100
    journal.end(second)
    assert _segment(tmp_path).stat().st_size == size
    assert not journal.is_writable
    disk.room = None
    journal._retry_at = 0.0
    assert journal.is_writable
    journal.end(third)
    assert _events(tmp_path) == [given.event_id for given in (first, second, third)]
    assert journal.lost == 0
    journal.close()


@pytest.mark.parametrize("room", range(0, 1500, 97))
def test_wherever_the_disk_fills_up_what_is_read_is_whole(tmp_path: Path, disk: Disk, room: int) -> None:
    journal = _open(tmp_path)
    disk.room = room
    entries = [entry() for _ in range(6)]
    for given in entries:
        journal.end(given)
    disk.room = None
    journal._retry_at = 0.0
    journal.end(entry())
    journal.close()
    assert _events(tmp_path)[:6] == [given.event_id for given in entries]
    assert all(item.entry is not None for item in _read(tmp_path))


def test_a_disk_that_stays_full_loses_only_what_memory_cannot_hold(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("proxystore.ledger.journal._MOST_UNWRITTEN", 3)
    journal = _open(tmp_path)
    disk.room = 0
    for _ in range(5):
        journal.end(entry())
    assert journal.lost == 2
    with caplog.at_level(logging.ERROR):
        journal.close()
    assert journal.lost == 5
    assert "lost" in caplog.text


def test_rotation_onto_a_full_disk_stays_where_it_is(tmp_path: Path, disk: Disk) -> None:
    journal = _open(tmp_path, largest_segment=1_000)
    given = [entry(), entry()]
    journal.end(given[0])
    size = _segment(tmp_path).stat().st_size
    disk.room = 1_000 - size + 100
    journal.end(given[1])
    journal.end(entry())
    assert list(tmp_path.glob("*.seg")) == [_segment(tmp_path)]
    assert list(tmp_path.glob("*.new")) == []
    disk.room = None
    journal.close()
    assert len(_events(tmp_path)) == 3


def test_a_directory_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="journal"):
        _open(tmp_path / "file")


def test_a_segment_nothing_was_appended_to_leaves_no_trace(tmp_path: Path) -> None:
    journal = _open(tmp_path)
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_another_database_s_segment_is_left_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path, uuid4())
    journal.open()
    journal.end(entry())
    journal.close()
    assert _read(tmp_path) == []


def test_another_host_s_segment_is_taken_only_when_it_is_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxystore.ledger.journal.host_id", lambda: "elsewhere")
    journal = _open(tmp_path)
    journal.end(entry())
    journal.close()
    assert _read(tmp_path) == []
    os.utime(_segment(tmp_path), (0, 0))
    assert len(_read(tmp_path)) == 1


def test_what_is_no_segment_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "odd.seg").write_bytes(b"no segment")
    assert _read(tmp_path) == []
    assert Tail.open(tmp_path / "gone.seg") is None


def test_a_segment_goes_once_it_is_written_down_and_old(tmp_path: Path) -> None:
    journal = _open(tmp_path)
    journal.begin(begin())
    journal.end(entry())
    journal.close()
    segments = Segments(tmp_path, _STORE, host_id(), keep=0)
    segments.refresh()
    for item in segments.read(10):
        segments.sweep()
        assert _segment(tmp_path)
        segments.acknowledge([(item.segment_id, item.end)])
    segments.sweep()
    assert list(tmp_path.iterdir()) == []


def test_what_a_process_left_that_died_in_between_is_swept_up(tmp_path: Path) -> None:
    unfinished = tmp_path / "0-0.new"
    unfinished.write_bytes(b"half a hea")
    os.utime(unfinished, (0, 0))
    assert _read(tmp_path) == []
    assert not unfinished.exists()


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_child_of_who_has_closed_a_journal_keeps_files_that_were_opened_since(tmp_path: Path) -> None:
    journal = _open(tmp_path)
    journal.end(entry())
    journal.close()
    since = [os.open(os.devnull, os.O_RDONLY) for _ in range(20)]

    child = os.fork()
    if child == 0:
        os._exit(sum(not Path(f"/proc/self/fd/{file}").is_symlink() for file in since))
    _, status = os.waitpid(child, 0)
    for file in since:
        os.close(file)

    assert os.waitstatus_to_exitcode(status) == 0
