"""What may happen to segments: removed, copied, from another host, too many to open."""

from __future__ import annotations

import logging
import os
import shutil
import time
from pathlib import Path
from uuid import UUID

import pytest

from proxystore.ledger import keeping
from proxystore.ledger.entries import UsageEntry
from proxystore.ledger.host import host_id
from proxystore.ledger.journal import Journal
from proxystore.ledger.place import file_system, is_fleeting, tell_if_fleeting
from proxystore.ledger.segments import ADOPT_AFTER, Segments
from proxystore.ledger.tail import Item
from tests.ledger.world import begin, entry, wait_until

_STORE = UUID(int=7)


def _open(directory: Path, **options: int) -> Journal:
    journal = Journal(directory, _STORE, **options)
    journal.open()
    return journal


def _write(directory: Path, count: int = 1) -> list[UsageEntry]:
    journal = _open(directory)
    given = [entry() for _ in range(count)]
    for one in given:
        journal.end(one)
    journal.close()
    return given


def _segments(directory: Path, **options: float) -> Segments:
    segments = Segments(directory, _STORE, host_id(), **options)
    segments.refresh()
    return segments


def _ids(items: list[Item]) -> list[UUID]:
    return [item.entry.event_id for item in items if item.entry is not None]


def _acknowledge(segments: Segments, items: list[Item]) -> None:
    segments.acknowledge((item.segment_id, item.end) for item in items)


async def test_a_segment_that_somebody_removes_is_put_back_with_all_that_was_in_it(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    journal = _open(directory)
    started, given = begin(), [entry() for _ in range(3)]
    journal.begin(started)
    journal.end(given[0])
    segments = _segments(directory)
    assert _ids(segments.read(10)) == [given[0].event_id]
    (path,) = directory.glob("*.seg")
    shutil.rmtree(directory)
    journal.end(given[1])
    await wait_until(path.exists)
    journal.end(given[2])
    assert _ids(segments.read(10)) == [given[1].event_id]  # from the file that has no name any more
    _acknowledge(segments, [Item(UUID(path.stem.partition("-")[2]), path.stat().st_size // 2)])
    segments.refresh()  # its owner has let go of it, and is not dead: nothing has failed
    assert _ids(segments.read(10)) == [one.event_id for one in given]
    segments.forget()
    journal.close()


async def test_whole_files_of_the_dead_are_read_after_they_were_removed(tmp_path: Path) -> None:
    given = _write(tmp_path, 3)
    segments = _segments(tmp_path)
    for path in tmp_path.glob("*.seg"):
        path.unlink()
    segments.refresh()
    assert _ids(segments.read(10)) == [one.event_id for one in given]
    segments.forget()


def test_a_foreign_host_s_segment_waits_until_nobody_can_want_it(tmp_path: Path) -> None:
    _write(tmp_path)
    (path,) = tmp_path.glob("*.seg")
    elsewhere = Segments(tmp_path, _STORE, "another host")
    elsewhere.refresh()
    assert (elsewhere.read(10), elsewhere.ignored) == ([], 1)
    os.utime(path, (time.time() - ADOPT_AFTER - 1,) * 2)
    elsewhere.forget()
    elsewhere.refresh()
    assert len(elsewhere.read(10)) == 1
    elsewhere.forget()


def test_a_foreign_host_s_segment_that_is_locked_is_never_taken(tmp_path: Path) -> None:
    journal = _open(tmp_path)
    journal.end(entry())
    (path,) = tmp_path.glob("*.seg")
    os.utime(path, (time.time() - ADOPT_AFTER - 1,) * 2)
    elsewhere = Segments(tmp_path, _STORE, "another host")
    elsewhere.refresh()
    assert (elsewhere.read(10), elsewhere.ignored) == ([], 1)
    elsewhere.forget()
    journal.close()


def test_however_many_segments_an_outage_leaves_few_are_open_at_a_time(tmp_path: Path) -> None:
    given = [_write(tmp_path)[0].event_id for _ in range(7)]
    segments = _segments(tmp_path, most_open=2)
    seen = []
    while items := segments.read(10):
        assert len(segments.tails) <= 2
        seen += _ids(items)
        _acknowledge(segments, items)
        segments.sweep()
        _acknowledge(segments, [])
        segments.refresh()
    assert sorted(seen) == sorted(given)
    segments.forget()


def test_of_more_living_processes_than_may_be_open_none_is_passed_over(tmp_path: Path) -> None:
    journals = [_open(tmp_path) for _ in range(7)]
    segments = _segments(tmp_path, most_open=3)
    for _ in range(2):
        started = [begin() for _ in journals]
        for journal, one in zip(journals, started, strict=True):
            journal.begin(one)
        _read_all(segments, 0)
        for journal, one in zip(journals, started, strict=True):
            journal.end(entry(event_id=one.event_id))
        seen = _read_all(segments, 7)
        assert sorted(seen) == sorted(one.event_id for one in started)  # each once, and none as failed
    for journal in journals:
        journal.begin(begin())
        journal.close()
    assert len(_read_all(segments, 7)) == 7
    segments.refresh()
    assert not segments.tails
    assert not any(segments.has(journal.process_id) for journal in journals)
    segments.forget()


def _read_all(segments: Segments, expected: int) -> list[UUID]:
    """Go round as the writer does, some rounds more than it should take."""
    seen = []
    for _ in range(16):
        segments.refresh()
        assert len(segments.tails) <= 3
        items = segments.read(10)
        _acknowledge(segments, items)
        segments.sweep()
        seen += _ids(items)
    assert len(seen) == expected
    return seen


def test_more_dead_processes_than_may_be_open_leave_nothing_open(tmp_path: Path) -> None:
    given = [begin() for _ in range(5)]
    for one in given:
        journal = _open(tmp_path)
        journal.begin(one)
        journal.close()
    segments = _segments(tmp_path, most_open=2)
    seen = []
    while items := segments.read(10):
        seen += _ids(items)
        _acknowledge(segments, items)
        segments.sweep()
        segments.refresh()
    assert sorted(seen) == sorted(one.event_id for one in given)
    segments.forget()


def test_what_began_in_one_segment_is_open_until_those_that_wait_have_been_read(tmp_path: Path) -> None:
    journal, started = _open(tmp_path), begin()
    journal.begin(started)
    (first,) = tmp_path.glob("*.seg")
    kept = first.read_bytes()
    time.sleep(0.002)  # the names of two of one millisecond come in any order
    journal._rotate()
    journal.end(entry(event_id=started.event_id))
    process_id = journal.process_id
    journal.close()
    first.write_bytes(kept)  # as if it had died in between: nothing says that all has been carried on
    segments = _segments(tmp_path, most_open=1)
    assert segments.read(10) == []
    assert segments.has(process_id)
    segments.forget()
    segments = _segments(tmp_path)
    assert next(item.entry.outcome for item in segments.read(10) if item.entry is not None) == "complete"
    segments.forget()


def test_what_is_kept_costs_nothing_in_rounds_that_find_nothing_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path)
    segments = _segments(tmp_path)
    _acknowledge(segments, segments.read(10))
    segments.sweep()
    os.utime(tmp_path, (1, 1))  # nobody has been here for long
    segments.refresh()
    asked: list[object] = []
    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", asked.append)
        patched.setattr(keeping, "is_old", lambda *given: asked.append(given))
        for _ in range(10):
            segments.refresh()
            segments.sweep()
    assert asked == []

    (new,) = _write(tmp_path)
    segments.refresh()
    assert _ids(segments.read(10)) == [new.event_id]
    segments.forget()


def test_what_is_written_down_is_kept_up_to_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        _write(tmp_path)
    oldest, *_ = sorted(tmp_path.glob("*.seg"))
    monkeypatch.setattr(keeping, "_MOST_KEPT", 3 * oldest.stat().st_size + 100)
    segments = _segments(tmp_path)
    _acknowledge(segments, segments.read(10))
    segments.sweep()
    assert min(tmp_path.glob("*.seg")) != oldest
    assert len(list(tmp_path.glob("*.seg"))) == 3
    segments.forget()


def test_a_container_s_own_layer_is_told_of_with_what_to_do(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 0:20 / / rw - overlay overlay rw\n"
        f"23 22 8:1 / {str(tmp_path).replace(' ', chr(92) + '040')} rw shared:1 - ext4 /dev/sda1 rw\n"
    )
    assert file_system(tmp_path / "journal", mounts) == "ext4"
    assert file_system(tmp_path.parent, mounts) == "overlay"
    assert file_system(tmp_path, tmp_path / "nothing") is None
    assert is_fleeting("overlay")
    assert not is_fleeting("ext4")
    with caplog.at_level(logging.WARNING):
        tell_if_fleeting(Path("/dev/shm"))
    assert "PROXYSTORE_DATA_DIR" in caplog.text
