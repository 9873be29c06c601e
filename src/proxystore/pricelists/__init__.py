"""Public lists of models and prices, read into one form; knows no database."""

from __future__ import annotations

from proxystore.pricelists.genai import GENAI_PRICES, bundled, bundled_version, find_bundled
from proxystore.pricelists.listing import Listing
from proxystore.pricelists.litellm import LITELLM, read_litellm
from proxystore.pricelists.names import candidates, provider_of, same_provider, undated

__all__ = [
    "GENAI_PRICES",
    "LITELLM",
    "Listing",
    "bundled",
    "bundled_version",
    "candidates",
    "find_bundled",
    "provider_of",
    "read_litellm",
    "same_provider",
    "undated",
]
