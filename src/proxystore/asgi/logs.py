"""Log records, ours and uvicorn's, as lines of text or of JSON; without what may hold a key: query strings, headers."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from typing import Any

import msgspec
from typing_extensions import override
from uvicorn.logging import AccessFormatter

_ACCESS = "uvicorn.access"
_SCOPES = "uvicorn.asgi"
_WEBSOCKETS = f"{os.sep}websockets{os.sep}"


class TextAccessFormatter(AccessFormatter):
    """uvicorn's line for a request."""

    @override
    def formatMessage(self, record: logging.LogRecord) -> str:
        return super().formatMessage(_without_query(record))


class JSONFormatter(logging.Formatter):
    """One JSON object for each record: ``time``, ``level``, ``logger``, ``message``, and ``exception`` if there is one.

    Requests have ``client``, ``method``, ``path`` and ``status`` as well.
    """

    @override
    def format(self, record: logging.LogRecord) -> str:
        record = _without_query(record)
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if _is_access(record):
            client, method, path, _, status = record.args  # type: ignore[misc]
            line |= {"client": client, "method": method, "path": path, "status": status}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


class Discreet(logging.Filter):
    """Takes the query out of lines about WebSockets, and stops those below ``INFO`` that quote headers and messages."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.INFO and (record.name == _SCOPES or _WEBSOCKETS in record.pathname):
            return False
        if "WebSocket %s" in str(record.msg) and isinstance(record.args, tuple):
            record.args = tuple(each.partition("?")[0] if isinstance(each, str) else each for each in record.args)
        return True


class Untold(logging.Filter):
    """Lets pass what was not told before.

    An exception that must break an answer off reaches the server, which shows a traceback of it. One that says
    ``is_told`` stands in the log already, in a line that says where and why.
    """

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        return record.exc_info is None or not getattr(record.exc_info[1], "is_told", False)


def _is_access(record: logging.LogRecord) -> bool:
    return record.name == _ACCESS and isinstance(record.args, tuple) and len(record.args) == 5


def _without_query(record: logging.LogRecord) -> logging.LogRecord:
    if not _is_access(record):
        return record
    shorter = logging.makeLogRecord(record.__dict__)
    client, method, path, *rest = record.args  # type: ignore[misc]
    shorter.args = (client, method, str(path).partition("?")[0], *rest)
    return shorter
