"""Processes that are born and not started: forked from one that has imported everything, which takes half a second.

`Popen` and `run` take the places of those of `subprocess` where a test is about what a process
does, and not about how Python starts: it has memory, threads, files, signals and an exit of its own all the same. What
is no command of this Python is started as ever.
"""

# mypy: disable-error-code="attr-defined, misc, no-any-return"
# `subprocess` says nothing of what it has for `Popen` itself.

from __future__ import annotations

import inspect
import json
import os
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
_ARGUMENTS: Final = inspect.signature(subprocess.Popen._execute_child)


class Popen(subprocess.Popen[Any]):
    """A process of ``[sys.executable, "-c", code, …]``, ``[…, "-m", module, …]`` or ``[…, script, …]``."""

    _end: int | None = None

    def _execute_child(self, *positional: Any, **named: Any) -> None:
        given = _ARGUMENTS.bind(self, *positional, **named).arguments
        executable, *words = map(os.fsdecode, given["args"])
        if executable != sys.executable or not _is_known(words):
            super()._execute_child(*positional, **named)
            return
        order = {
            "words": words,
            "environ": dict(os.environ if given["env"] is None else given["env"]),
            "cwd": os.fsdecode(given["cwd"] or Path.cwd()),
            "is_leader": given["start_new_session"],
            "kept": list(given["pass_fds"]),
        }
        names = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        pipes = [given[name] for name in names]
        streams = [own if pipe == -1 else pipe for own, pipe in enumerate(pipes[place] for place in (0, 3, 5))]
        self._end, told = os.pipe()
        self.pid = _parent().bear(order, [told, *streams, *given["pass_fds"]])
        os.close(told)
        self._child_created = True
        self._close_pipe_fds(*pipes)

    def _internal_poll(self, *positional: Any, **named: Any) -> int | None:
        if self._end is None:
            return super()._internal_poll(*positional, **named)
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):
            try:
                pid, status = self._try_wait(os.WNOHANG)
                if pid:
                    self._handle_exitstatus(status)
            finally:
                self._waitpid_lock.release()
        return self.returncode

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        if self._end is None:
            return super()._try_wait(wait_flags)
        os.set_blocking(self._end, not wait_flags & os.WNOHANG)
        try:
            told = os.read(self._end, 64)
        except BlockingIOError:
            return 0, 0
        os.close(self._end)
        return self.pid, int(told or b"255")


def run(command: list[Any] | tuple[Any, ...], **options: Any) -> subprocess.CompletedProcess[Any]:
    """Run *command* as `subprocess.run` does."""
    given, limit = options.pop("input", None), options.pop("timeout", None)
    is_checked = options.pop("check", False)
    if options.pop("capture_output", False):
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if given is not None:
        options["stdin"] = subprocess.PIPE
    with Popen(command, **options) as process:
        try:
            told = process.communicate(given, timeout=limit)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(process.args, process.returncode, *told)
    if is_checked:
        done.check_returncode()
    return done


def _is_known(words: list[str]) -> bool:
    return len(words) > 0 and (words[0] in {"-c", "-m"} or not words[0].startswith("-"))


class _Parent:
    """The process they are all forked from; it is there until we close what leads to it, at the latest when we end."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [sys.executable, "-m", "tests.bearing", str(theirs.fileno())]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environ, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
        )
        theirs.close()

    def bear(self, order: dict[str, Any], handles: list[int]) -> int:
        """Have a process made; return its id."""
        with self._turn:
            socket.send_fds(self._orders, [json.dumps(order).encode()], handles)
            return int(self._orders.recv(64))

    def close(self) -> None:
        """End it."""
        self._orders.close()
        self._process.wait()


@cache
def _parent() -> _Parent:
    return _Parent()


def close() -> None:
    """End what there is to end."""
    if _parent.cache_info().currsize:
        _parent().close()
        _parent.cache_clear()
