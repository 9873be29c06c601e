"""Official clients of four APIs: the same answers with and without the middleware, and the right books."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from proxystore import ProxyStoreMiddleware, Settings, Store
from proxystore.testing.serving import serving
from proxystore.testing.upstream import ANSWER, FakeUpstream
from tests import clients

pytestmark = pytest.mark.xdist_group("clients")

_CLAUDE = "claude-haiku-4-5"
_GEMINI = "gemini-2.5-flash"
_LLAMA = "llama3:8b"
_SOUND = ("a.wav", b"RIFF" + b"\0" * 1000)
_DOT = ("a.png", b"\x89PNG" + b"\0" * 1000)


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    return Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data", auth="off")


def _ask_openai(base: str) -> Iterator[Any]:
    with clients.openai.OpenAI(base_url=f"{base}/v1", api_key="sk-unused", max_retries=0) as client:
        asked = {"model": "gpt-4o", "input": "hello there", "instructions": "Be quick."}
        yield client.responses.create(**asked)
        yield list(client.responses.create(**asked, stream=True))
        with client.responses.stream(**asked) as events:
            yield [event.type for event in events]
            assert events.get_final_response().output_text == ANSWER
        yield client.responses.compact(model="gpt-4o", input="hello there")
        yield client.images.generate(model="gpt-image-1", prompt="a fox", n=2)
        yield list(client.images.generate(model="gpt-image-1", prompt="a fox", stream=True))
        yield client.images.edit(model="gpt-image-1", prompt="a red fox", image=_DOT)
        yield client.images.generate(model="dall-e-3", prompt="a fox", n=2)
        yield client.audio.transcriptions.create(model="whisper-1", file=_SOUND)
        yield client.audio.transcriptions.create(model="gpt-4o-transcribe", file=_SOUND)
        yield list(client.audio.transcriptions.create(model="gpt-4o-transcribe", file=_SOUND, stream=True))
        yield client.audio.translations.create(model="whisper-1", file=_SOUND)
        yield client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="hello there").read()


_OPENAI = [
    ("chat", "gpt-4o", {"input_tokens": 2, "cache_read_tokens": 2, "output_tokens": 9}),
    ("chat", "gpt-4o", {"input_tokens": 2, "cache_read_tokens": 2, "output_tokens": 9}),
    ("chat", "gpt-4o", {"input_tokens": 2, "cache_read_tokens": 2, "output_tokens": 9}),
    ("chat", "gpt-4o", {"input_tokens": 2, "output_tokens": 1}),
    ("image_generation", "gpt-image-1", {"input_tokens": 2, "output_image_tokens": 544}),
    ("image_generation", "gpt-image-1", {"input_tokens": 2, "output_image_tokens": 272}),
    ("image_generation", "gpt-image-1", {"input_image_tokens": 272, "output_image_tokens": 272}),
    ("image_generation", "dall-e-3", {"billed_requests": 2}),
    ("transcription", "whisper-1", {"billed_ms": 12_500}),
    ("transcription", "gpt-4o-transcribe", {"input_audio_tokens": 125, "output_tokens": 9}),
    ("transcription", "gpt-4o-transcribe", {"input_audio_tokens": 125, "output_tokens": 9}),
    ("translation", "whisper-1", {"billed_ms": 12_500}),
    ("speech", "gpt-4o-mini-tts", {}),
]


def _ask_azure(base: str) -> Iterator[Any]:
    with clients.openai.AzureOpenAI(
        azure_endpoint=base,
        api_key="unused",
        api_version="2025-04-01-preview",
        azure_deployment="gpt-4o",
        max_retries=0,
    ) as client:
        messages = [{"role": "user", "content": "hello there"}]
        yield client.chat.completions.create(model="ignored", messages=messages)
        options = {"include_usage": True}
        yield list(client.chat.completions.create(model="x", messages=messages, stream=True, stream_options=options))


_AZURE = [("chat", "gpt-4o", {"input_tokens": 2, "output_tokens": 9})] * 2


def _ask_anthropic(base: str) -> Iterator[Any]:
    with clients.anthropic.Anthropic(base_url=base, api_key="unused", max_retries=0) as client:
        messages = [{"role": "user", "content": [{"type": "text", "text": "hello there"}]}]
        asked = {"model": _CLAUDE, "system": "Be quick.", "max_tokens": 99, "messages": messages}
        yield client.messages.create(**asked)
        yield list(client.messages.create(**asked, stream=True))
        with client.messages.stream(**asked) as stream:
            yield list(stream.text_stream)
            yield stream.get_final_message()
        yield client.messages.count_tokens(model=_CLAUDE, messages=messages)


_MESSAGE = (
    "chat",
    _CLAUDE,
    {"input_tokens": 2, "cache_read_tokens": 2, "output_tokens": 9},
)
_ANTHROPIC = [_MESSAGE, _MESSAGE, _MESSAGE, ("count_tokens", _CLAUDE, {})]


def _ask_google(base: str) -> Iterator[Any]:
    with warnings.catch_warnings(action="ignore"):
        from google import genai

    options = genai.types.HttpOptions(base_url=base)
    client = genai.Client(api_key="unused", http_options=options)
    config = genai.types.GenerateContentConfig(system_instruction="Be quick.", max_output_tokens=99)
    asked = {"model": _GEMINI, "contents": "hello there"}
    answer = client.models.generate_content(**asked, config=config)
    assert answer.text == ANSWER
    pieces = list(client.models.generate_content_stream(**asked, config=config))
    assert "".join(piece.text for piece in pieces) == ANSWER
    yield [_unheard(each) for each in (answer, *pieces)]
    yield client.models.embed_content(model="gemini-embedding-001", contents=["hello there", "you"]).embeddings
    yield client.models.count_tokens(**asked).total_tokens
    client.close()


def _unheard(answer: Any) -> dict[str, Any]:
    """Return *answer* without what the transport adds to it."""
    return answer.model_dump(exclude={"sdk_http_response", "parsed"})


_CONTENT = (
    "generate_content",
    _GEMINI,
    {"input_tokens": 2, "cache_read_tokens": 2, "output_tokens": 9, "reasoning_tokens": 3},
)
_GOOGLE = [
    _CONTENT,
    _CONTENT,
    ("embeddings", "gemini-embedding-001", {"input_tokens": 3}),
    ("count_tokens", _GEMINI, {}),
]


def _ask_ollama(base: str) -> Iterator[Any]:
    client = clients.ollama.Client(host=base)
    with closing(client._client):
        messages = [{"role": "user", "content": "hello there"}]
        pieces = list(client.chat(model=_LLAMA, messages=messages, stream=True))
        assert "".join(piece.message.content for piece in pieces) == ANSWER
        yield pieces
        yield client.chat(model=_LLAMA, messages=messages, options={"num_predict": 99})
        yield list(client.generate(model=_LLAMA, prompt="hello", stream=True))
        yield client.generate(model=_LLAMA, prompt="hello")
        yield client.embed(model=_LLAMA, input=["hello there", "you"])
        yield client.show(_LLAMA)
        yield client.list()


_SPOKEN = {"input_tokens": 2, "output_tokens": 9}
_WRITTEN = {"input_tokens": 1, "output_tokens": 9}
_OLLAMA = [
    ("chat", _LLAMA, _SPOKEN),
    ("chat", _LLAMA, _SPOKEN),
    ("text_completion", _LLAMA, _WRITTEN),
    ("text_completion", _LLAMA, _WRITTEN),
    ("embeddings", _LLAMA, {"input_tokens": 3}),
    ("show_model", _LLAMA, {}),
]


def _events(settings: Settings) -> list:
    async def read():
        async with Store(settings=settings) as store:
            assert await store.ledger.drain(10)
            return await store.usage.list(limit=100)

    return asyncio.run(read())


_COUNTED = (
    *("input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "input_audio_tokens"),
    *("input_image_tokens", "output_tokens", "reasoning_tokens", "output_audio_tokens", "output_image_tokens"),
    *("unclassified_tokens", "billed_requests", "billed_ms"),
)


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # translations are, say newer clients
@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        pytest.param(_ask_openai, _OPENAI, id="openai"),
        pytest.param(_ask_azure, _AZURE, id="azure"),
        pytest.param(_ask_anthropic, _ANTHROPIC, id="anthropic"),
        pytest.param(_ask_google, _GOOGLE, id="google"),
        pytest.param(_ask_ollama, _OLLAMA, id="ollama"),
    ],
)
def test_an_official_client_sees_what_it_would_see_without_and_the_books_are_right(
    settings: Settings, ask: Callable[[str], Iterator[Any]], expected: list[tuple[str, str, dict[str, float]]]
):
    with serving(FakeUpstream()) as base:
        bare = list(ask(base))
    with serving(ProxyStoreMiddleware(FakeUpstream(), settings=settings)) as base:
        wrapped = list(ask(base))

    assert wrapped == bare
    events = _events(settings)
    told = [
        (
            each.operation_name,
            each.request_model,
            {name: getattr(each, name) for name in _COUNTED if getattr(each, name)},
        )
        for each in events
    ]
    assert sorted(told, key=str) == sorted(expected, key=str)  # two of one millisecond have no order
    assert {(each.status, each.outcome) for each in events} == {(200, "complete")}
    assert {each.quality for each in events if each.operation_name != "speech"} == {"reported"}


async def _converse(base: str) -> list[str]:
    heard = []
    async with (
        clients.openai.AsyncOpenAI(base_url=f"{base}/v1", api_key="sk-unused", max_retries=0) as client,
        client.responses.connect() as connection,
    ):
        for _ in range(2):
            await connection.response.create(model="gpt-4o", input="hello there", instructions="Be quick.")
            async for event in connection:
                heard.append(event.model_dump_json())
                if event.type == "response.completed":
                    break
    return heard


def test_responses_over_a_websocket_are_recorded_one_by_one(settings: Settings):
    with serving(FakeUpstream()) as base:
        bare = asyncio.run(_converse(base))
    with serving(ProxyStoreMiddleware(FakeUpstream(), settings=settings)) as base:
        assert asyncio.run(_converse(base)) == bare

    events = _events(settings)
    assert [(each.operation_name, each.request_model, each.input_tokens, each.output_tokens) for each in events] == [
        ("chat", "gpt-4o", 2, 9),
        ("chat", "gpt-4o", 2, 9),
    ]
    assert {(each.status, each.outcome, each.quality, each.cache_read_tokens) for each in events} == {
        (200, "complete", "reported", 2)
    }
