"""What clients do all day: chats, streamed and not, embeddings, and a mistake."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from itertools import cycle, islice
from typing import Final, TypeAlias

import openai

Call: TypeAlias = Callable[[openai.AsyncOpenAI], Awaitable[None]]

_AT_ONCE: Final = 4
_UNKNOWN_MODEL: Final = "gpt-unknown"
_QUESTIONS: Final = (
    "Who jumps over the lazy dog?",
    "Tell me, in a few words, what a quick brown fox does all day.",
    "Say the pangram once more, please.",
)


async def drive(base_url: str, key: str, requests: int, on_done: Callable[[int], None]) -> None:
    """Make *requests* requests with the official client, four at a time; the last one names an unknown model.

    Args:
        base_url: Of the proxy.
        key: What it lets clients in with.
        requests: How many, at least one.
        on_done: Told ``1`` after each.
    """
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(call: Call) -> None:
        async with places:
            await call(client)
            on_done(1)

    async with openai.AsyncOpenAI(base_url=f"{base_url}/v1", api_key=key, max_retries=0) as client:
        async with asyncio.TaskGroup() as tasks:
            for call in islice(cycle(_CALLS), requests - 1):
                tasks.create_task(one(call))
        await one(_mistake)


async def _chat(client: openai.AsyncOpenAI, *, model: str, question: str) -> None:
    await client.chat.completions.create(model=model, messages=[{"role": "user", "content": question}])


async def _stream(client: openai.AsyncOpenAI, *, model: str, question: str) -> None:
    chunks = await client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": question}], stream=True
    )
    async for _ in chunks:
        pass


async def _embed(client: openai.AsyncOpenAI) -> None:
    await client.embeddings.create(model="text-embedding-3-small", input=list(_QUESTIONS))


async def _mistake(client: openai.AsyncOpenAI) -> None:
    with suppress(openai.NotFoundError):  # as it should be: the upstream knows no such model
        await _chat(client, model=_UNKNOWN_MODEL, question=_QUESTIONS[0])


_CALLS: Final[tuple[Call, ...]] = (
    partial(_stream, model="gpt-4o", question=_QUESTIONS[0]),
    partial(_chat, model="gpt-4o-mini", question=_QUESTIONS[1]),
    _embed,
    partial(_stream, model="gpt-4o-mini", question=_QUESTIONS[2]),
    partial(_chat, model="gpt-4o", question=_QUESTIONS[1]),
)
