"""Two plugins that carry the audit trail elsewhere: to a file of JSON Lines, and to syslog.

Each event comes after it has been committed, in the order of the chain, at least once: after a crash the last few may
come again, with the same ``seq``.
"""

from __future__ import annotations

import logging
import os
from logging.handlers import SysLogHandler
from pathlib import Path

import msgspec
from pydantic import BaseModel

from proxystore import AuditEvent, hookimpl


class AuditFile:
    """Appends each event to a file that only we may read."""

    name = "audit_file"

    class Settings(BaseModel, frozen=True, extra="forbid"):
        """The section ``[plugin.audit_file]``.

        Attributes:
            path: The file.
        """

        path: Path = Path("audit.jsonl")

    def __init__(self, settings: Settings) -> None:
        self._path = settings.path

    @hookimpl
    def on_audit(self, event: AuditEvent) -> None:
        """Append it, and wait for the disk: a plain function is called in a thread."""
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, msgspec.json.encode(event) + b"\n")
            os.fsync(file)
        finally:
            os.close(file)


class AuditSyslog:
    """Sends each event to syslog: what went wrong as a warning, the rest as information."""

    name = "audit_syslog"

    class Settings(BaseModel, frozen=True, extra="forbid"):
        """The section ``[plugin.audit_syslog]``.

        Attributes:
            host: Where syslog listens.
            port: On which port, UDP.
        """

        host: str = "localhost"
        port: int = 514

    def __init__(self, settings: Settings) -> None:
        self._handler = SysLogHandler((settings.host, settings.port), facility=SysLogHandler.LOG_AUTH)
        self._handler.ident = "proxystore: "

    @hookimpl
    def on_audit(self, event: AuditEvent) -> None:
        """Send it."""
        level = "INFO" if event.outcome == "success" else "WARNING"
        text = msgspec.json.encode(event).decode()
        self._handler.emit(logging.makeLogRecord({"msg": text, "levelname": level}))

    @hookimpl
    def on_shutdown(self) -> None:
        """Let go of the socket."""
        self._handler.close()
