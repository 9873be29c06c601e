"""Does what we keep outlive the container?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from proxystore.directories import existing
from proxystore.doctor.finding import Finding, ok, problem, warning
from proxystore.doctor.places import directories
from proxystore.settings import Settings

_TABLE: Final = Path("/proc/self/mountinfo")
_DYING: Final = frozenset({"aufs", "overlay", "ramfs", "rootfs", "tmpfs"})
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """A file system and where it is mounted."""

    point: Path
    kind: str


def check(settings: Settings) -> Iterator[Finding]:
    """Look what kind of file system holds what we keep."""
    table = _TABLE.read_text(encoding="utf-8") if _TABLE.exists() else ""  # only Linux tells
    yield from check_table(settings, table)


def check_table(settings: Settings, table: str) -> Iterator[Finding]:
    """Look up where we keep things in *table*, which reads as ``/proc/self/mountinfo``."""
    for place in directories(settings):
        mount = mount_of(existing(place).resolve(), table)
        if mount is None or mount.kind not in _DYING:
            yield ok("volume", f"{place} outlives this process" + (f" ({mount.kind})" if mount else ""))
        elif settings.url.path is not None:
            yield problem("volume", f"{place} is on {_told(mount)}: all is lost with it", _mend(place))
        else:
            yield warning("volume", f"{place}, with usage not yet written down, is on {_told(mount)}", _mend(place))


def mount_of(path: Path, table: str) -> Mount | None:
    """Return the mount that *path* is on; of several at one point the last, which covers the others.

    See proc_pid_mountinfo(5): the fifth field is the mount point, the first after a lone dash the type.
    """
    found: Mount | None = None
    for line in table.splitlines():
        before, dash, after = line.partition(" - ")
        fields = before.split()
        if not dash or len(fields) < 5:
            continue
        mount = Mount(Path(_unescaped(fields[4])), after.split()[0])
        if path.is_relative_to(mount.point) and (found is None or mount.point.is_relative_to(found.point)):
            found = mount
    return found


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)


def _told(mount: Mount) -> str:
    layer = "memory" if mount.kind in ("ramfs", "tmpfs") else "a layer that dies with the container"
    return f"{layer} ({mount.kind} at {mount.point})"


def _mend(place: Path) -> str:
    return f"make it a volume: docker run -v proxystore:{place} …"
