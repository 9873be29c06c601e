"""The tutorial, command by command."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_PAGE: Final = (_ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
_INSTALLING, *_SCRIPT = re.findall(r"```sh\n(.*?)```", _PAGE, re.DOTALL)
(_CLIENT,) = re.findall(r"```python\n# ask.py\n(.*?)```", _PAGE, re.DOTALL)
_WAIT: Final = "until (: > /dev/tcp/127.0.0.1/8000) 2> /dev/null; do sleep 0.05; done"
"""A reader takes longer to type the next command than a server to come up."""


def test_every_command_does_what_the_page_says(tmp_path: Path) -> None:
    shutil.copy(_ROOT / "examples" / "plain_asgi" / "parrot.py", tmp_path / "gateway.py")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    (tmp_path / "ask.py").write_text(_CLIENT.replace("8000", port), encoding="utf-8")
    script = "".join(_SCRIPT).replace("--port 8000 &\n", f"--port 8000 &\n{_WAIT}\n").replace("8000", port)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PROXYSTORE_")}
    place = {**ours, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "200"}

    done = subprocess.run(
        ["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, check=False, env=place, timeout=300
    )

    (tmp_path / "key").unlink()  # the reader's own; no other file may hold it
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cp examples/plain_asgi/parrot.py tutorial/gateway.py" in _INSTALLING
    assert done.stdout.count("Is anybody there?\n") == 3
    assert "openai.RateLimitError" in done.stderr
    assert done.stderr.count("openai.AuthenticationError") == 2
    assert "gpt-4o-mini" in done.stdout
