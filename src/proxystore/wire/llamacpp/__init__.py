"""What llama.cpp's server says on paths of its own; what it says in the words of others, theirs understand."""

from __future__ import annotations

from proxystore.wire.llamacpp.completion import Completion

__all__ = ["Completion"]
