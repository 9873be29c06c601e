"""What is compared with LiteLLM is compared where that is installed: ``tox -e litellm``."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("litellm") else ["test_against_litellm.py"]
