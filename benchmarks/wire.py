"""What reading along costs: ``python -m benchmarks wire`` prints microseconds per chunk, per body and per request."""

from __future__ import annotations

import argparse
import timeit
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from proxystore.values import Call
from proxystore.wire import BUILT_IN, Formats, Meter, decoded
from proxystore.wire.openai import ChatCompletions, Embeddings

_CHUNK: Final = (
    b'data: {"id":"chatcmpl-9aBcDeFgHiJkLmNoPqRsTuVw","object":"chat.completion.chunk","created":1700000000,'
    b'"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":'
    b'0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"obfuscation":"abcdefgh"}\n\n'
)
_USAGE: Final = (
    b'"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":80,'
    b'"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":30,"audio_tokens":0}}'
)
_REPLY: Final = b'{"model":"gpt-4o","choices":[{"message":{"role":"assistant","content":"%b"}}],%b}'
_REQUEST: Final = b'{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"%b"}]}'
_STREAMED: Final = Call(operation_name="chat", is_streaming=True)
_EMBEDDING: Final = b'{"object":"embedding","index":0,"embedding":[' + b"-0.0069292834," * 1535 + b"1]}"


def _stream(*, is_stripping: bool = False) -> Meter:
    meter = ChatCompletions().meter(_STREAMED, content_type=b"text/event-stream", is_stripping=is_stripping)
    meter.feed(_CHUNK, is_last=False)
    return meter


def _feeding(meter: Meter, *chunks: bytes) -> Callable[[], object]:
    def feed() -> None:
        for chunk in chunks:
            meter.feed(chunk, is_last=False)

    return feed


def _reading(body: bytes) -> Callable[[], object]:
    call = Call(operation_name="chat")

    def read() -> None:
        meter = ChatCompletions().meter(call, content_type=b"application/json", is_stripping=False)
        meter.feed(body, is_last=True)

    return read


def _embedding() -> None:
    meter = Embeddings().meter(_STREAMED, content_type=b"application/json", is_stripping=False)
    meter.feed(_MANY_EMBEDDINGS, is_last=True)


_MANY_EMBEDDINGS: Final = b'{"data":[' + b",".join([_EMBEDDING] * 100) + b'],"model":"m",%b}' % _USAGE


def _cases() -> Iterator[tuple[str, Callable[[], object]]]:
    with_null = _CHUNK.replace(b',"obf', b',"usage":null,"obf')
    with_usage = _CHUNK.replace(b',"obf', b',%b,"obf' % _USAGE)
    half = len(_CHUNK) // 2
    encoded = decoded(_stream(), b"identity")
    chat, formats = ChatCompletions(), Formats(BUILT_IN)
    short, long = _REQUEST % b"Hi.", _REQUEST % (b"word " * 20_000)
    yield "chunk, LF, listening", _feeding(_stream(), _CHUNK)
    yield "chunk, CRLF, listening", _feeding(_stream(), _CHUNK.replace(b"\n", b"\r\n"))
    yield "chunk, LF, stripping", _feeding(_stream(is_stripping=True), with_null)
    yield "chunk, CRLF, stripping", _feeding(_stream(is_stripping=True), with_null.replace(b"\n", b"\r\n"))
    yield "chunk, CR only, listening", _feeding(_stream(), _CHUNK.replace(b"\n", b"\r"))
    yield "chunk with usage (vLLM's running count)", _feeding(_stream(), with_usage)
    yield "chunk in two halves", _feeding(_stream(), _CHUNK[:half], _CHUNK[half:])
    yield "ten events in one chunk", _feeding(_stream(), _CHUNK * 10)
    if encoded is not None:
        yield "chunk, encoding identity", _feeding(encoded, _CHUNK)
    yield "document, 300 bytes", _reading(_REPLY % (b"Hi.", _USAGE))
    yield "document, 100 kB", _reading(_REPLY % (b"word " * 20_000, _USAGE))
    yield "document, 2 MB of embeddings", _embedding
    yield "find the format", lambda: formats.find("POST", "/v1/chat/completions")
    yield "read a request", lambda: chat.read("/v1/chat/completions", short)
    yield "read a request, 100 kB", lambda: chat.read("/v1/chat/completions", long)
    yield "ask for usage", lambda: chat.ask_for_usage(short)
    yield "ask for usage, 100 kB", lambda: chat.ask_for_usage(long)


def main() -> None:
    """Print the best of five for each case."""
    parser = argparse.ArgumentParser(description="What reading along costs, in microseconds.")
    parser.add_argument("--json", action="store_true", help="for programs")
    is_json = parser.parse_args().json
    figures = {}
    for name, run in _cases():
        number, _ = timeit.Timer(run).autorange()
        seconds = min(timeit.repeat(run, number=number // 4 + 1, repeat=5)) / (number // 4 + 1)
        figures[name] = round(seconds * 1e6, 3)
        if not is_json:
            print(f"{name:45}{figures[name]:10.2f} µs")
    if is_json:
        print(msgspec.json.format(msgspec.json.encode(figures)).decode())


if __name__ == "__main__":
    main()
