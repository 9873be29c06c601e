"""What a name may mean: pure rules, said in docs/models.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from proxystore.pricelists.bedrock import BedrockName

_SYNONYMS: Final = {
    "aws": "bedrock",
    "azure_text": "azure",
    "bedrock_converse": "bedrock",
    "cohere_chat": "cohere",
    "fireworks": "fireworks_ai",
    "google": "gemini",
    "mistralai": "mistral",
    "moonshotai": "moonshot",
    "text-completion-codestral": "codestral",
    "text-completion-inception": "inception",
    "text-completion-openai": "openai",
    "together": "together_ai",
    "vertex_ai": "gemini",
    "voyageai": "voyage",
    "x-ai": "xai",
    "z-ai": "zai",
}
_PLACES: Final = ("models/", "publishers/google/models/", "publishers/anthropic/models/")
"""What Google's APIs write before a name."""

_DATE: Final = re.compile(
    r"""
    (?P<name>.+?)
    (?:
        [-@](?:20\d\d-[01]\d-[0-3]\d|20\d\d[01]\d[0-3]\d)    # -2024-08-06, -20241022, @20241022
      | -(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])                # -0613
      | -00\d                                              # -001, Google's revisions
      | [-:@](?:latest|default)
    )
    """,
    re.VERBOSE,
)
_VERTEX: Final = re.compile(r"(vertex_ai)-[\w-]+|(fireworks_ai)-[\w-]+")


def provider_of(name: str) -> str:
    """Return a provider's name without what a list says about it besides, as ``vertex_ai`` for ``vertex_ai-…``."""
    match = _VERTEX.fullmatch(name)
    if match is not None:
        return match[1] or match[2]
    return name if name in ("google", "vertex_ai") else _SYNONYMS.get(name, name)


def same_provider(one: str | None, other: str | None) -> bool:
    """Tell whether two names are of one provider."""
    return one is not None and other is not None and _group(one) == _group(other)


def _group(name: str) -> str:
    plain = provider_of(name.lower())
    return _SYNONYMS.get(plain, plain)


def placeless(name: str) -> str:
    """Return *name* without what Google's APIs write before it."""
    for place in _PLACES:
        if name.startswith(place):
            return name.removeprefix(place)
    return name


def undated(name: str) -> str | None:
    """Return *name* without the date or revision at its end; ``None`` if there is none."""
    match = _DATE.fullmatch(name)
    return None if match is None else match["name"]


def candidates(name: str, provider: str | None = None) -> Iterator[tuple[str, str | None]]:
    """Yield what *name* may be called in a catalogue, the likeliest first, each with the provider it must be of.

    Args:
        name: As a client or an API wrote it.
        provider: Whose API it is said to be.
    """
    name = placeless(name)
    yield from _variants(name, provider)
    prefix, slash, rest = name.partition("/")
    if slash and rest:
        for spelling in _spellings(prefix):
            yield f"{spelling}/{rest}", None
        for variant, _ in _variants(rest, None):
            yield variant, prefix
        for spelling in (prefix, *_spellings(prefix)):
            plain = undated(rest)
            if plain is not None:
                yield f"{spelling}/{plain}", None
    amazons = bedrock_name(name)
    if amazons is not None:
        yield from ((spelling, None) for spelling in amazons.spellings())


def bedrock_name(name: str) -> BedrockName | None:
    """Return the parts of *name* if it is one of Bedrock's, be its provider in front or not."""
    prefix, slash, rest = name.partition("/")
    is_named = bool(slash) and same_provider(prefix, "bedrock")
    return BedrockName.read(rest.removeprefix("converse/") if is_named else name)


def _variants(name: str, provider: str | None) -> Iterator[tuple[str, str | None]]:
    plain = undated(name)
    for variant in (name, plain) if plain is not None else (name,):
        yield variant, None
        if provider is not None and "/" not in variant:
            for spelling in (provider, *_spellings(provider)):
                yield f"{spelling}/{variant}", None


def _spellings(provider: str) -> Iterator[str]:
    """Yield what else lists call a provider."""
    group = _group(provider)
    for spelling in (group, *(alias for alias, name in _SYNONYMS.items() if name == group)):
        if spelling != provider:
            yield spelling
