"""The least there is to do, by hand: a yardstick for what any middleware in Python has to cost.

One function that knows one path of one API. It looks the caller up, reads which model is asked for and what was used,
reckons the price and writes a line before the last byte leaves. There are no limits, no cache, no trail and no plugins,
streams are not read, nobody's mistakes are caught, and nothing takes the lines into a database.
"""

from __future__ import annotations

import os
import time
import zlib
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.overhead.chats import KEY
from proxystore.exchange.asgi import ASGIApp, Message, Receive, Scope, Send

_PREFIX: Final = len(b"Bearer ")
_INPUT, _OUTPUT = 2_500, 10_000  # nano-dollars for a token


class _Question(msgspec.Struct):
    model: str


class _Used(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int


class _Answer(msgspec.Struct):
    model: str
    usage: _Used


class _Event(msgspec.Struct, array_like=True):
    id: bytes
    key: str
    request_model: str
    response_model: str
    status: int
    input_tokens: int
    output_tokens: int
    cost_nanousd: int
    first_byte_ms: int
    latency_ms: int


def by_hand(app: ASGIApp, directory: Path) -> ASGIApp:
    """Return *app* behind as little as keeps a record of whole answers, in a file in *directory*."""
    directory.mkdir(parents=True, exist_ok=True)
    file = os.open(directory / "events", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    pepper = os.urandom(32)
    keys = {blake2b(KEY.encode(), key=pepper).digest(): "benchmark"}
    read_question = msgspec.json.Decoder(_Question).decode
    read_answer = msgspec.json.Decoder(_Answer).decode
    encode = msgspec.msgpack.Encoder().encode

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        started = time.time_ns()
        secret = dict(scope["headers"])[b"authorization"][_PREFIX:]
        key = keys[blake2b(secret, key=pepper).digest()]
        asked = await receive()
        question = read_question(asked["body"])
        status = first_byte = 0

        async def repeat() -> Message:
            return asked

        async def read_along(message: Message) -> None:
            nonlocal status, first_byte
            body = message.get("body")
            if body is None:
                status, first_byte = message["status"], time.time_ns()
            elif body:
                answer, now = read_answer(body), time.time_ns()
                used = answer.usage
                event = _Event(
                    id=(started // 1_000_000).to_bytes(6, "big") + os.urandom(10),
                    key=key,
                    request_model=question.model,
                    response_model=answer.model,
                    status=status,
                    input_tokens=used.prompt_tokens,
                    output_tokens=used.completion_tokens,
                    cost_nanousd=used.prompt_tokens * _INPUT + used.completion_tokens * _OUTPUT,
                    first_byte_ms=(first_byte - started) // 1_000_000,
                    latency_ms=(now - started) // 1_000_000,
                )
                line = encode(event)
                os.write(file, len(line).to_bytes(4, "little") + zlib.crc32(line).to_bytes(4, "little") + line)
            await send(message)

        await app(scope, repeat, read_along)

    return middleware
