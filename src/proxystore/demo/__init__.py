"""The main job in one command: a real proxy on real sockets, its traffic, and what the store knows of it."""

from __future__ import annotations

from proxystore.demo.demo import Outcome, run_demo

__all__ = ["Outcome", "run_demo"]
