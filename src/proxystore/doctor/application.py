"""Can the application be imported that ``PROXYSTORE_APP`` names? In a process of its own: it is somebody's code."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from proxystore.doctor.finding import Finding, ok, problem
from proxystore.errors import SettingsError
from proxystore.settings import Settings

_CHECK: Final = "app"
_PATIENCE: Final = 30.0
_TRY: Final = "from proxystore.doctor.application import try_loading; try_loading()"
_MEND: Final = (
    "`proxystore run MODULE:APP`, where MODULE can be imported, tells whether it is right; set PROXYSTORE_APP so"
)


def check(settings: Settings) -> Iterator[Finding]:
    """Import it, if one is named, from where we are."""
    if settings.app is None:
        return
    command = [sys.executable, "-c", _TRY, settings.app, *(["factory"] if settings.app_factory else [])]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        yield problem(_CHECK, f"{settings.app} is not imported within {_PATIENCE:.0f} s", _MEND)
        return
    if done.returncode == 0:
        yield ok(_CHECK, f"{settings.app} can be imported")
        return
    why = (done.stderr.splitlines() or [""])[-1]
    if not why.startswith(settings.app):  # it was not us who ended the process
        why = f"{settings.app}: whoever imports it ends with {done.returncode}: {why}"
    yield problem(_CHECK, why, _MEND)


def try_loading() -> None:
    """Load the application that the arguments name; else say on stderr why that cannot be, and exit with 1."""
    from proxystore.asgi.serving import load_app

    name, *how = sys.argv[1:]
    try:
        load_app(name, is_factory=bool(how))
    except SettingsError as error:
        sys.exit(" ".join(str(error).split()))
