"""How log records look; without query strings, which may hold a key."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from logging.config import dictConfig
from pathlib import Path

import pytest

from proxystore import asgi
from proxystore.asgi.logs import JSONFormatter, TextAccessFormatter

_ACCESS = ("203.0.113.7:5000", "POST", "/v1/models/m:generateContent?key=cAnArY", "1.1", 200)


def _record(name: str, message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.INFO, __file__, 1, message, args, None)


def _access() -> logging.LogRecord:
    return _record("uvicorn.access", '%s - "%s %s HTTP/%s" %d', *_ACCESS)


def test_a_record_is_one_line_of_json() -> None:
    line = JSONFormatter().format(_record("proxystore.ledger", "drained %d\nentries", 3))

    assert "\n" not in line
    assert json.loads(line).keys() == {"time", "level", "logger", "message"}
    assert json.loads(line)["message"] == "drained 3\nentries"
    assert json.loads(line)["time"].endswith("+00:00")


def test_a_request_is_told_in_parts() -> None:
    line = json.loads(JSONFormatter().format(_access()))

    assert line["message"] == '203.0.113.7:5000 - "POST /v1/models/m:generateContent HTTP/1.1" 200'
    assert {name: line[name] for name in ("client", "method", "path", "status")} == {
        "client": "203.0.113.7:5000",
        "method": "POST",
        "path": "/v1/models/m:generateContent",
        "status": 200,
    }


def test_an_exception_is_told_in_the_same_line() -> None:
    try:
        int("of all things")
    except ValueError:
        record = logging.LogRecord("proxystore", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    line = JSONFormatter().format(record)

    assert "\n" not in line
    assert json.loads(line)["exception"].endswith("'of all things'")


def test_a_request_in_text_has_no_query() -> None:
    formatter = TextAccessFormatter("%(client_addr)s %(request_line)s %(status_code)s", use_colors=False)

    assert formatter.format(_access()) == "203.0.113.7:5000 POST /v1/models/m:generateContent HTTP/1.1 200 OK"


def test_the_record_itself_is_left_alone() -> None:
    record = _access()
    JSONFormatter().format(record)

    assert record.args == _ACCESS


@pytest.fixture(name="restored_logging")
def _restored_logging() -> Iterator[None]:
    names = ("", "proxystore", "uvicorn", "uvicorn.error", "uvicorn.access", "databases")
    before = {name: logging.getLogger(name).__dict__.copy() for name in names}
    yield
    for name, state in before.items():
        logging.getLogger(name).__dict__.update(state)


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.usefixtures("restored_logging")
def test_uvicorn_can_be_configured_with_it(log_format: str, capfd: pytest.CaptureFixture[str]) -> None:
    dictConfig(json.loads(Path(asgi.__file__).with_name(f"logs_{log_format}.json").read_text()))
    logging.getLogger("uvicorn.access").handle(_access())
    logging.getLogger("proxystore.store").warning("slow")
    logging.getLogger("databases").info("never said")
    said = capfd.readouterr()

    assert "/v1/models/m:generateContent" in said.out
    assert "slow" in said.err
    assert "never" not in said.err
    assert "cAnArY" not in said.out + said.err
