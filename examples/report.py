"""The store alone, as a library: print what each model was used for.

python report.py sqlite:///data/proxystore.db
"""

from __future__ import annotations

import asyncio
import sys

from proxystore import Store


async def report(database_url: str | None) -> None:
    """Print one line for each model; without a URL, of the database that the settings name."""
    async with Store(database_url) as store:
        for row in await store.usage.summary(by="model"):
            print(f"{row.group}: {row.requests} requests, {row.input_tokens} tokens in, {row.output_tokens} out")


if __name__ == "__main__":
    asyncio.run(report(sys.argv[1] if len(sys.argv) > 1 else None))
