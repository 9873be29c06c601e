"""How Amazon's Bedrock names models: where from, whose, which, and in which version; said in docs/models.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_fullmatch: Final = re.compile(
    r"""
    (?:arn:aws[\w-]*:bedrock:[^/]+/)?                         # arn:aws:bedrock:us-east-1:1234:inference-profile/
    (?:(?P<region>af|apac|au|ca|eu|global|il|jp|me|mx|sa|us|us-gov)\.)?
    (?P<vendor>ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshot|moonshotai|nvidia|openai
        |qwen|stability|writer|zai)
    \.(?P<model>[^/]+?)
    (?P<version>(?:-v\d+)?(?::\d+)*)                          # -v1:0, :0
    """,
    re.VERBOSE,
).fullmatch


class BedrockName(NamedTuple):
    """A name such as ``us.anthropic.claude-sonnet-4-20250514-v1:0``, in its parts.

    Attributes:
        region: Where it may be asked, such as ``us`` or ``global``; empty where that is not said.
        vendor: Who made it.
        model: What they call it, as a rule.
        version: Bedrock's own, such as ``-v1:0``; empty where that is not said.
    """

    region: str
    vendor: str
    model: str
    version: str

    @classmethod
    def read(cls, name: str) -> BedrockName | None:
        """Return the parts of *name*, ``None`` if it is no name of Bedrock's."""
        found = _fullmatch(name)
        return None if found is None else cls(found["region"] or "", found["vendor"], found["model"], found["version"])

    @property
    def plain(self) -> str:
        """The name without an account, as Bedrock's own lists have it."""
        return f"{self.region}.{self._regionless}" if self.region else self._regionless

    def spellings(self) -> Iterator[str]:
        """Yield what a catalogue may call it, the likeliest first: with its region and its version, then without."""
        for model in (self._regionless, f"{self.vendor}.{self.model}"):
            regions = dict.fromkeys((f"{self.region}." if self.region else "", "", "regional."))
            for region in regions:
                yield f"{region}{model}"
                yield f"bedrock/{region}{model}"

    @property
    def _regionless(self) -> str:
        return f"{self.vendor}.{self.model}{self.version}"
