"""What Ollama's own API says; what it says in the words of others, theirs understand."""

from __future__ import annotations

from proxystore.wire.ollama.chat import Chat, Generate
from proxystore.wire.ollama.embed import Embed
from proxystore.wire.ollama.show import ShowModel

__all__ = ["Chat", "Embed", "Generate", "ShowModel"]
