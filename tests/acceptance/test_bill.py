"""A day of mixed traffic as five APIs speak it, and its bill: what the ledger says is what was written down by hand.

Every amount below was worked out on paper from the prices below; nothing here is computed by the code under test.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from proxystore import Answer, Exchange, Price, ProxyStoreMiddleware, Settings, Store, Usage, hookimpl
from proxystore.exchange.asgi import Message, Receive, Scope, Send
from proxystore.testing.asgi import call, http_scope
from proxystore_usage import Usage as UsagePlugin

# Dollars for a million tokens; a web search is a piece.
_PRICES = {
    "gpt-4o": [
        Price.of(input="2.50", cache_read="1.25", output="10"),
        Price.of(service_tier="flex", input="1.25", cache_read="0.625", output="5"),
    ],
    "o4-mini": [Price.of(input="1.10", cache_read="0.275", output="4.40")],
    "text-embedding-3-small": [Price.of(input="0.02")],
    "tiny": [Price.of(input="0.0005")],
    "claude-sonnet-4-5": [
        Price.of(input="3", cache_read="0.30", cache_write="3.75", cache_write_1h="6", output="15", request="0.01")
    ],
    "gemini-2.5-pro": [
        Price.of(input="1.25", cache_read="0.125", output="10"),
        Price.of(above_input_tokens=200_000, input="2.50", cache_read="0.25", output="15"),
    ],
    "llama3:8b": [Price.of(input="0.05", output="0.08")],
    "rerank-v3.5": [Price.of(request="0.002")],
    "gemini-2.5-flash": [Price.of(input="0.30", cache_read="0.03", input_audio="1", output="2.50")],
}


class Recorded(NamedTuple):
    """An exchange as it went over the wire, and what it costs in nano-dollars."""

    path: str
    asked: dict[str, Any]
    answered: list[str]
    nanousd: int | None
    status: int = 200
    leaves_at: int | None = None
    saved: int | None = None


def _sse(*events: dict[str, Any] | str, named: bool = False) -> list[str]:
    return [
        f"data: {event}\n\n"
        if isinstance(event, str)
        else (f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n"
        for event in events
    ]


def _chat(model: str, text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def _usage(prompt: int, completion: int, cached: int = 0, reasoning: int = 0) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


def _part(text: str) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}], "usage": None}


_OPENAI = [
    # 200 x 2500 + 1000 x 1250 + 300 x 10000
    Recorded(
        "/v1/chat/completions",
        _chat("gpt-4o"),
        [json.dumps({"model": "gpt-4o-2024-08-06", "choices": [], "usage": _usage(1200, 300, 1000)})],
        4_750_000,
    ),
    # A stream whose caller asked for no usage: 57 x 1100 + (91 + 640) x 4400
    Recorded(
        "/v1/chat/completions",
        _chat("o4-mini", stream=True),
        _sse(_part("one"), _part(" two"), {"choices": [], "usage": _usage(57, 731, 0, 640)}, "[DONE]"),
        3_279_100,
    ),
    # The flex tier: 33 x 1250 + 7 x 5000
    Recorded(
        "/v1/chat/completions",
        _chat("openai/gpt-4o", service_tier="flex"),
        [json.dumps({"model": "gpt-4o", "service_tier": "flex", "choices": [], "usage": _usage(33, 7)})],
        76_250,
    ),
    # Responses, streamed: 1024 x 1100 + 1024 x 275 + (128 + 384) x 4400
    Recorded(
        "/v1/responses",
        {"model": "o4-mini", "input": "hello", "stream": True},
        _sse(
            {"type": "response.created", "response": {"model": "o4-mini", "usage": None}},
            {"type": "response.output_text.delta", "delta": "one"},
            {
                "type": "response.completed",
                "response": {
                    "model": "o4-mini",
                    "status": "completed",
                    "usage": {
                        "input_tokens": 2048,
                        "input_tokens_details": {"cached_tokens": 1024},
                        "output_tokens": 512,
                        "output_tokens_details": {"reasoning_tokens": 384},
                        "total_tokens": 2560,
                    },
                },
            },
            named=True,
        ),
        3_660_800,
    ),
    # 7 x 20
    Recorded(
        "/v1/embeddings",
        {"model": "text-embedding-3-small", "input": "hello"},
        [json.dumps({"model": "text-embedding-3-small", "data": [], "usage": {"prompt_tokens": 7, "total_tokens": 7}})],
        140,
    ),
    # 3 x 0.5 is 1.5, which goes to the even 2; 5 x 0.5 is 2.5, which goes there, too
    Recorded(
        "/v1/embeddings",
        {"model": "tiny", "input": "a"},
        [json.dumps({"model": "tiny", "data": [], "usage": {"prompt_tokens": 3, "total_tokens": 3}})],
        2,
    ),
    Recorded(
        "/v1/embeddings",
        {"model": "tiny", "input": "b"},
        [json.dumps({"model": "tiny", "data": [], "usage": {"prompt_tokens": 5, "total_tokens": 5}})],
        2,
    ),
    # The client leaves at the third piece: 40 bytes are 10 tokens of input, 3 pieces 3 of output
    Recorded(
        "/v1/chat/completions",
        _chat("gpt-4o", "0123456789" * 4, stream=True, stream_options={"include_usage": True}),
        _sse(_part("one"), _part(" two"), _part(" three"), _part(" four")),
        55_000,
        leaves_at=3,
    ),
    # What the upstream refuses is not billed
    Recorded("/v1/chat/completions", _chat("gpt-4o"), [json.dumps({"error": {"message": "slow down"}})], 0, status=429),
    # No price: no cost, and not nothing
    Recorded(
        "/v1/chat/completions",
        _chat("who-knows"),
        [json.dumps({"model": "who-knows", "choices": [], "usage": _usage(10, 10)})],
        None,
    ),
    # Answered from a cache: it costs nothing and saves 1000 x 2500 + 100 x 10000
    Recorded("/v1/chat/completions", _chat("gpt-4o", user="cached"), [], 0, saved=3_500_000),
]


def _claude(**more: Any) -> dict[str, Any]:
    return {
        "model": "claude-sonnet-4-5",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": "hello"}],
        **more,
    }


def _message(usage: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "usage": usage,
    }


_ANTHROPIC = [
    # 9 x 3000 + 300 x 3750 + 200 x 6000 + 4000 x 300 + 120 x 15000 + 2 searches x 10000000
    Recorded(
        "/v1/messages",
        _claude(),
        [
            json.dumps(
                _message(
                    {
                        "input_tokens": 9,
                        "cache_creation_input_tokens": 500,
                        "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 200},
                        "cache_read_input_tokens": 4000,
                        "output_tokens": 120,
                        "server_tool_use": {"web_search_requests": 2},
                        "service_tier": "standard",
                    }
                )
            )
        ],
        25_352_000,
    ),
    # A stream by a dated name; what it tells of its output is told anew, not on top: 25 x 3000 + 87 x 15000
    Recorded(
        "/v1/messages",
        _claude(stream=True) | {"model": "claude-sonnet-4-5-20250929"},
        _sse(
            {"type": "message_start", "message": _message({"input_tokens": 25, "output_tokens": 1})},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "one"}},
            {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 15}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 87}},
            {"type": "message_stop"},
            named=True,
        ),
        1_380_000,
    ),
    # Counting tokens is free
    Recorded("/v1/messages/count_tokens", _claude(), [json.dumps({"input_tokens": 12})], 0),
]
_GEMINI = [
    # Above 200,000: 200000 x 2500 + 50000 x 250 + (1000 + 500) x 15000
    Recorded(
        "/v1beta/models/gemini-2.5-pro:generateContent",
        {"contents": [{"parts": [{"text": "hello"}]}]},
        [
            json.dumps(
                {
                    "candidates": [],
                    "modelVersion": "gemini-2.5-pro",
                    "usageMetadata": {
                        "promptTokenCount": 250_000,
                        "cachedContentTokenCount": 50_000,
                        "candidatesTokenCount": 1000,
                        "thoughtsTokenCount": 500,
                        "totalTokenCount": 251_500,
                    },
                }
            )
        ],
        535_000_000,
    ),
    # A stream of running sums, of which the last counts: 60 x 300 + 40 of audio x 1000 + (20 + 5) x 2500
    Recorded(
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        {"contents": [{"parts": [{"text": "hello"}]}]},
        _sse(
            *(
                {
                    "candidates": [{"content": {"parts": [{"text": "one"}]}}],
                    "modelVersion": "gemini-2.5-flash",
                    "usageMetadata": {
                        "promptTokenCount": 100,
                        "promptTokensDetails": [
                            {"modality": "TEXT", "tokenCount": 60},
                            {"modality": "AUDIO", "tokenCount": 40},
                        ],
                        "candidatesTokenCount": written,
                        "thoughtsTokenCount": 5,
                        "totalTokenCount": 105 + written,
                    },
                }
                for written in (8, 20)
            )
        ),
        120_500,
    ),
]
_OTHERS = [
    # Ollama's own API, a stream unless it is told not to be: 26 x 50 + 298 x 80
    Recorded(
        "/api/chat",
        {"model": "llama3:8b", "messages": [{"role": "user", "content": "hello"}]},
        [
            '{"model":"llama3:8b","message":{"role":"assistant","content":"one"},"done":false}\n',
            '{"model":"llama3:8b","done":true,"done_reason":"stop","prompt_eval_count":26,"eval_count":298}\n',
        ],
        25_140,
    ),
    # Two searches x 2000000
    Recorded(
        "/v2/rerank",
        {"model": "rerank-v3.5", "query": "hello", "documents": ["one", "two"]},
        [json.dumps({"id": "1", "results": [], "meta": {"billed_units": {"search_units": 2}}})],
        4_000_000,
    ),
]
_DAY = [*_OPENAI, *_ANTHROPIC, *_GEMINI, *_OTHERS]


class Replay:
    """Answers with what was recorded."""

    def __init__(self) -> None:
        self.next = _DAY[0]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = b"text/event-stream" if self.next.answered[0].startswith(("data:", "event:")) else b"application/json"
        await send({"type": "http.response.start", "status": self.next.status, "headers": [(b"content-type", kind)]})
        for chunk in self.next.answered:
            await send({"type": "http.response.body", "body": chunk.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class Cache:
    """Has one answer; and numbers what passes, since ids of one millisecond come in any order."""

    name = "cache"

    def __init__(self) -> None:
        self.count = 0

    @hookimpl
    def on_request(self, exchange: Exchange) -> Answer | None:
        exchange.metadata["number"] = self.count
        self.count += 1
        if exchange.request.call.end_user != "cached":
            return None
        return Answer(chunks=[b"{}"], usage=Usage(input_tokens=1000, output_tokens=100, quality="reported"))


_OWNERS = {"claude": "anthropic", "gemini": "gemini", "llama3:8b": "ollama", "rerank": "cohere"}


def _owner(model: str) -> str:
    return _OWNERS.get(model.partition("-")[0], "openai")


def _leaving(at: int | None) -> Any:
    count = 0

    def on_send(message: Message) -> None:
        nonlocal count
        count += message["type"] == "http.response.body"
        if count == at:
            raise OSError("nobody is there")

    return on_send


async def test_the_bill_of_a_day_is_what_was_written_down_by_hand(migrated_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=migrated_url, data_dir=tmp_path / "data", plugins=(), bundled_prices=False)
    replay = Replay()
    async with Store(settings=settings) as store:
        for name, prices in _PRICES.items():
            await store.models.create(name, provider=_owner(name), prices=prices)
        app = ProxyStoreMiddleware(replay, store=store, plugins=(UsagePlugin, Cache))
        for recorded in _DAY:
            replay.next = recorded
            path, _, query = recorded.path.partition("?")
            with suppress(OSError):
                scope = http_scope(path, query=query.encode())
                await call(app, scope, json.dumps(recorded.asked).encode(), on_send=_leaving(recorded.leaves_at))
        assert await store.ledger.drain(10)
        events = sorted(await store.usage.list(limit=100), key=lambda event: (event.metadata or {})["number"])
        days = await store.usage.summary("day")
        total = await store.usage.total()

    assert [(event.cost_nanousd, event.saved_nanousd) for event in events] == [
        (recorded.nanousd, recorded.saved) for recorded in _DAY
    ]
    # 4750000 + 3279100 + 76250 + 3660800 + 140 + 2 + 2 + 55000 = 11821294, 25352000 + 1380000 = 26732000,
    # 535000000 + 120500 = 535120500, 25140 + 4000000 = 4025140
    assert total.cost_nanousd == 577_698_934
    assert total.saved_nanousd == 3_500_000
    assert (total.requests, total.unpriced, total.cache_hits, total.errors) == (len(_DAY), 1, 1, 1)
    assert sum(day.cost_nanousd for day in days) == total.cost_nanousd
    assert str(total.cost) == "0.577698934"
