from __future__ import annotations

import pytest

from proxystore.values import Call, Denial
from proxystore.wire import BUILT_IN, Formats, Unknown
from proxystore.wire.openai import ChatCompletions


class _Talk(ChatCompletions):
    name = "acme.talk"
    methods = frozenset({"POST", "GET"})
    paths = ("talk", ":generateContent", "/v2/chat/completions")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/chat/completions", "openai.chat"),
        ("/openai/v1/chat/completions", "openai.chat"),
        ("/openai/deployments/gpt-4o/chat/completions", "openai.chat"),
        ("/chat/completions", "openai.chat"),
        ("/v1/chat/completions/", "openai.chat"),
        ("/v1//chat//completions//", "openai.chat"),
        ("/V1/Chat/Completions", "openai.chat"),
        ("/v1/chat/./completions/x/..", "openai.chat"),
        ("/v1/chat/completions;v=1", "openai.chat"),
        ("/v1//messages", "anthropic.messages"),
        ("/v1/messages/.", "anthropic.messages"),
        ("/v1/x/../messages", "anthropic.messages"),
        ("/v1/Messages/Count_Tokens", "anthropic.count_tokens"),
        ("/v1beta/models/m:GENERATECONTENT", "gemini.generate_content"),
        ("/v1/Responses/resp_1/Cancel", "openai.cancel"),
        ("/v1/completions", "openai.completions"),
        ("/notchat/completions", "openai.completions"),
        ("/v1/embeddings", "openai.embeddings"),
        ("/api/chat", "ollama.chat"),
        ("/Ollama//api/chat/", "ollama.chat"),
        ("/api/chat/completions", "openai.chat"),
        ("/api/generate", "ollama.generate"),
        ("/api/embed", "ollama.embed"),
        ("/api/embeddings", "ollama.embed"),
        ("/api/show", "ollama.show"),
        ("/api/pull", "unknown"),
        ("/rerank", "cohere.rerank"),
        ("/v2/rerank", "cohere.rerank"),
        ("/v1/score", "vllm.score"),
        ("/classify", "vllm.classify"),
        ("/pooling", "vllm.pooling"),
        ("/tokenize", "vllm.tokenize"),
        ("/completion", "llamacpp.completion"),
        ("/infill", "llamacpp.completion"),
        ("/v1/notembeddings", "unknown"),
        ("/v1/chat/completions/abc", "unknown"),
        ("/v1/models", "unknown"),
        ("/", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_format_is_found_by_whole_segments_at_the_end(path: str, name: str) -> None:
    formats = Formats(BUILT_IN)

    assert [formats.find("POST", path).name, formats.find("POST", path).name] == [name, name]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_only_posts_are_claimed(method: str) -> None:
    assert Formats(BUILT_IN).find(method, "/v1/chat/completions").name == "unknown"


def test_formats_are_asked_in_their_order() -> None:
    formats = Formats((_Talk(), *BUILT_IN))

    assert formats.find("POST", "/v2/chat/completions").name == "acme.talk"
    assert formats.find("POST", "/v1/chat/completions").name == "openai.chat"
    assert formats.find("GET", "/v1/chat/completions").name == "unknown"
    assert formats.find("GET", "/a/talk").name == "acme.talk"
    assert formats.find("POST", "/a/smalltalk").name == "unknown"
    assert formats.find("POST", "/v1beta/models/gemini:generateContent").name == "acme.talk"


def test_without_formats_nothing_is_known() -> None:
    assert Formats(()).find("POST", "/v1/chat/completions").name == "unknown"


def test_what_is_remembered_is_bounded() -> None:
    formats = Formats(BUILT_IN)
    for number in range(5000):
        formats.find("POST", f"/{number}/chat/completions")
    formats.find("POST", "/" + "x" * 100_000)

    assert len(formats._routes) <= 1024
    assert sum(len(path) for _, path in formats._routes) < 300_000
    assert formats.find("POST", "/1/chat/completions").name == "openai.chat"


def test_unknown_reads_nothing_and_changes_nothing() -> None:
    unknown, body = Unknown(), b'{"model":"m"}'

    assert unknown.read("/x", body) == Call(operation_name="unknown")
    assert unknown.ask_for_usage(body) is body
    assert unknown.meter(unknown.read("/x", body), content_type=b"application/json", is_stripping=False) is None
    assert (unknown.methods, unknown.paths) == (frozenset(), ())


def test_unknown_refuses_in_plain_json() -> None:
    denial = Denial(status=401, code="missing_api_key", message="No key. ü\ud800")

    assert Unknown().refuse(denial).decode() == '{"error":{"code":"missing_api_key","message":"No key. ü?"}}'
