"""LiteLLM's proxy in front of the same upstream, where the command ``litellm`` is found."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks.overhead.chats import KEY
from benchmarks.overhead.processes import Server, pinned, stop

_LONGEST_START: Final = 60.0
_CONFIGURATION: Final = """
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      api_base: {url}/v1
      api_key: sk-none
"""


def is_installed() -> bool:
    """Whether it can be started; it may live in an environment of its own that ``PATH`` leads to."""
    return shutil.which("litellm") is not None


def start_litellm(stack: ExitStack, folder: Path, core: int, url: str) -> Server:
    """Start it in front of the upstream at *url*, without a database, with one worker."""
    configuration = folder / "litellm.yaml"
    configuration.write_text(_CONFIGURATION.format(url=url), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    options = ["--config", str(configuration), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    process = subprocess.Popen(
        pinned([str(shutil.which("litellm")), *options], core),
        # It does not start without a key of its own, and otherwise asks the internet for prices.
        env={**os.environ, "LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(stop, process)
    _wait_for(port)
    return Server(process.pid, port)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _LONGEST_START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
