"""Global options, errors and exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest

from proxystore.cli import build
from proxystore.cli.globals import Globals, hoisted
from proxystore.errors import PluginError
from proxystore.settings import Settings
from tests import born
from tests.cli.conftest import Invoke

_ROOT: Final = Path(__file__).parents[2]
_COMMAND: Final = (sys.executable, "-c", "import sys; from proxystore.cli import main; main(sys.argv[1:])")


@pytest.fixture(name="tester")
def _tester(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXYSTORE_PLUGINS", "tests.cli.plugin:Tester")
    monkeypatch.setenv("PYTHONPATH", str(_ROOT))


def _run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return born.run([*_COMMAND, *words], capture_output=True, text=True, check=False, env={**os.environ, **environ})


def test_the_version_is_that_of_the_distribution(invoke: Invoke) -> None:
    result = invoke("--version")

    assert (result.exit_code, result.stdout) == (0, f"asgi-proxystore {metadata.version('asgi-proxystore')}\n")


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["settings", "show", "--help"], ["db", "--help"]])
def test_there_is_help(invoke: Invoke, words: list[str]) -> None:
    result = invoke(*words)

    assert result.exit_code == 0
    assert "Usage:" in result.stdout


@pytest.mark.parametrize(
    ("words", "front"),
    [
        (["usage", "list", "--database", "sqlite://"], ["--database=sqlite://", "usage", "list"]),
        (["usage", "--debug", "--config=x.toml"], ["--debug", "--config=x.toml", "usage"]),
        (["run", "a:b", "--", "--config", "x"], ["run", "a:b", "--", "--config", "x"]),
        (["usage", "--database"], ["usage", "--database"]),
    ],
)
def test_global_options_may_stand_anywhere(words: list[str], front: list[str]) -> None:
    assert hoisted(words) == front


def test_global_options_are_read_before_the_commands_are_known() -> None:
    assert Globals.of(["a", "--database", "sqlite:///x=y.db", "--debug", "--config=c"]) == Globals(
        "sqlite:///x=y.db", "c", is_debug=True
    )


@pytest.mark.usefixtures("tester")
def test_an_error_of_ours_is_one_line(invoke: Invoke) -> None:
    result = invoke("fail")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: The database cannot be reached; try again.\n"


@pytest.mark.usefixtures("tester")
def test_any_other_error_is_one_line_too(invoke: Invoke) -> None:
    result = invoke("fail", "--kind", "other")

    assert (result.exit_code, result.stderr) == (1, "error: ValueError: of all things (--debug shows where)\n")


@pytest.mark.usefixtures("tester")
def test_debug_gives_the_traceback() -> None:
    done = _run("fail", "--debug")

    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "StoreUnavailable" in done.stderr


@pytest.mark.parametrize("words", [["nonsense"], ["settings", "show", "--nonsense"], ["run", "a:b", "--port", "x"]])
def test_a_wrong_use_exits_with_two(invoke: Invoke, words: list[str]) -> None:
    result = invoke(*words)

    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


def test_a_command_that_is_mistyped_is_told_which_there_are(invoke: Invoke) -> None:
    assert "Did you mean 'usage'" in invoke("usagee").stderr
    assert {"run", "usage", "keys", "limits"} <= set(invoke("--help").stdout.split())


@pytest.mark.usefixtures("tester")
def test_the_database_is_named_once_on_stderr(invoke: Invoke, place: Path) -> None:
    result = invoke("count", "--database", f"sqlite:///{place}/x.db")

    assert result.exit_code == 0, result.stderr
    assert result.stderr == f"database: sqlite:///{place}/x.db\n"
    assert result.stdout.split() == ["events", "0"]


@pytest.mark.usefixtures("tester")
def test_ctrl_c_exits_quietly_with_130(place: Path) -> None:
    ready = place / "ready"
    process = born.Popen([*_COMMAND, "wait", str(ready)], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    while not ready.exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)

    assert (process.returncode, said) == (130, (b"", b""))


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"PROXYSTORE_LOG_FORMAT": "xml"}, "error: PROXYSTORE_LOG_FORMAT should be 'text' or 'json'\n"),
        ({"DATABASE_URL": "postgres://u:cAnArY@h:x/y"}, "error: DATABASE_URL has a malformed host or port; in a"),
        ({"PROXYSTORE_PLUGINS": "nobody"}, "error: plugin 'nobody': is not installed; installed are: "),
    ],
)
def test_what_is_wrong_before_any_command_is_one_line(environ: dict[str, str], sentence: str) -> None:
    done = _run("settings", "show", **environ)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1
    assert "cAnArY" not in done.stderr


def test_help_needs_no_settings() -> None:
    done = _run("--help", PROXYSTORE_LOG_FORMAT="xml")

    assert done.returncode == 0
    assert "Commands:" in done.stdout


def test_help_without_plugins_says_why() -> None:
    done = _run("--help", PROXYSTORE_PLUGINS="nobody")

    assert (done.returncode, "Commands:" in done.stdout) == (0, True)
    assert done.stderr.startswith("note: plugin 'nobody': is not installed")


def test_a_plugin_that_exits_does_not_end_a_command_in_silence(place: Path) -> None:
    (place / "leaving.py").write_text("raise SystemExit(0)\n")
    done = _run("settings", "show", PROXYSTORE_PLUGINS="leaving:Any")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: plugin 'leaving:Any': cannot be loaded: SystemExit(0); "
        "--disable leaving:Any, or PROXYSTORE_DISABLE=leaving:Any, goes on without it\n"
    )
    assert _run("settings", "show", "--disable", "leaving:Any", PROXYSTORE_PLUGINS="leaving:Any").returncode == 0


def test_building_tells_of_a_plugin_that_cannot_be_loaded() -> None:
    with pytest.raises(PluginError, match="nobody"):
        build(Settings.load(environ={}, plugins=("nobody",)))


def test_a_config_file_decides(invoke: Invoke, place: Path) -> None:
    (place / "mine.toml").write_text('database_schema = "llm"')

    assert "llm" in invoke("settings", "show", "--config", "mine.toml").stdout


@pytest.fixture(name="beside_the_other")
def _beside_the_other(place: Path) -> dict[str, str]:
    (place / "site" / "proxystore-1.1.0.dist-info").mkdir(parents=True)
    return {"PYTHONPATH": str(place / "site")}


def test_the_other_distribution_is_refused_on_import(beside_the_other: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import proxystore"],
        capture_output=True, text=True, check=False, env={**os.environ, **beside_the_other},
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ImportError: The distribution 'proxystore' is another project")


def test_the_command_says_so_in_one_sentence(beside_the_other: dict[str, str], place: Path) -> None:
    command = place / "proxystore"
    command.write_text("from proxystore.cli import main\nmain()\n")
    done = subprocess.run(
        [sys.executable, str(command), "--version"],
        capture_output=True, text=True, check=False, env={**os.environ, **beside_the_other},
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The distribution 'proxystore' is another project with our import name")
    assert done.stderr.count("\n") == 1


def test_the_command_checks_for_itself(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the other distribution came last, its ``__init__`` runs and not ours."""
    from proxystore.cli import main

    (place / "proxystore-1.1.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(place)
    with pytest.raises(SystemExit, match="another project"):
        main(["--version"])


def test_a_plugin_may_lie_in_the_working_directory(place: Path) -> None:
    (place / "mine.py").write_text("class Mine:\n    pass\n")
    (place / "json.py").write_text("raise RuntimeError('what is installed goes first')\n")
    words = (sys.executable, "-P", *_COMMAND[1:], "plugins", "list", "--json")  # as the installed command: -P
    environ = {**os.environ, "PROXYSTORE_PLUGINS": "mine:Mine"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environ)

    assert done.returncode == 0, done.stderr
    assert '"mine:Mine"' in done.stdout


def test_lists_of_commands_have_whole_sentences(invoke: Invoke) -> None:
    for words in ([], ["keys"], ["keys", "metadata"], ["usage"]):
        assert "..." not in invoke(*words, "--help").stdout.partition("Commands:")[2]
