"""SQLite in a process that is forked while its threads use it."""

from __future__ import annotations

import sys
from pathlib import Path

from tests import born

_SCRIPT = Path(__file__).with_name("forking.py")


def test_a_child_waits_for_no_lock_of_a_thread_that_it_does_not_have(sqlite_url: str) -> None:
    done = born.run([sys.executable, _SCRIPT, sqlite_url, "10"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
