"""What a request asks for, in every API."""

from __future__ import annotations

import pytest

from proxystore.values import Call
from proxystore.wire import BUILT_IN, Formats

_FORMATS = Formats(BUILT_IN)


def _call(path: str, body: bytes = b"") -> tuple[str, Call]:
    format = _FORMATS.find("POST", path)
    return format.name, format.read(path, body)


@pytest.mark.parametrize(
    ("path", "body", "name", "call"),
    [
        (
            "/v1/responses",
            b'{"model":"gpt-5","input":"hi","stream":true,"max_output_tokens":9,"user":"u","stream_options":{}}',
            "openai.responses",
            Call(operation_name="chat", request_model="gpt-5", is_streaming=True, max_output_tokens=9, end_user="u"),
        ),
        (
            "/v1/responses/compact",
            b'{"model":"gpt-5","input":[]}',
            "openai.responses",
            Call(operation_name="chat", request_model="gpt-5"),
        ),
        (
            "/v1/responses/input_tokens",
            b'{"model":"gpt-5","input":"hi"}',
            "openai.count_tokens",
            Call(operation_name="count_tokens", request_model="gpt-5", is_billable=False),
        ),
        (
            "/v1/responses/resp_1/cancel",
            b"",
            "openai.cancel",
            Call(operation_name="cancel", is_billable=False),
        ),
        (
            "/openai/deployments/mine/images/generations",
            b'{"prompt":"a fox"}',
            "openai.images",
            Call(operation_name="image_generation", request_model="mine"),
        ),
        (
            "/v1/images/edits",
            b'{"model":"gpt-image-1","stream":true}',
            "openai.images",
            Call(operation_name="image_generation", request_model="gpt-image-1", is_streaming=True),
        ),
        (
            "/v1/audio/speech",
            b'{"model":"tts-1","input":"hi","voice":"alloy"}',
            "openai.speech",
            Call(operation_name="speech", request_model="tts-1"),
        ),
        (
            "/openai/deployments/whisper/audio/transcriptions",
            b"",
            "openai.transcriptions",
            Call(operation_name="transcription", request_model="whisper"),
        ),
        (
            "/v1/audio/translations",
            b'{"model":"whisper-1"}',
            "openai.translations",
            Call(operation_name="translation", request_model="whisper-1"),
        ),
        (
            "/anthropic/v1/messages",
            b'{"model":"claude-sonnet-4-5","max_tokens":1024,"stream":true,"metadata":{"user_id":"u"},"messages":[]}',
            "anthropic.messages",
            Call(
                operation_name="chat",
                request_model="claude-sonnet-4-5",
                is_streaming=True,
                max_output_tokens=1024,
                end_user="u",
            ),
        ),
        (
            "/v1/messages",
            b'{"model":7,"stream":"yes","max_tokens":true,"metadata":[]}',
            "anthropic.messages",
            Call(operation_name="chat"),
        ),
        ("/v1/messages", b'{"model":', "anthropic.messages", Call(operation_name="chat")),
        (
            "/v1/projects/p/locations/l/publishers/anthropic/models/claude@2025:streamRawPredict",
            b'{"stream":true,"max_tokens":5}',
            "anthropic.messages",
            Call(operation_name="chat", request_model="claude@2025", is_streaming=True, max_output_tokens=5),
        ),
        (
            "/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict",
            b'{"model":"claude"}',
            "anthropic.count_tokens",
            Call(operation_name="count_tokens", request_model="claude", is_billable=False),
        ),
        (
            "/v1/messages/count_tokens",
            b'{"model":"claude","messages":[]}',
            "anthropic.count_tokens",
            Call(operation_name="count_tokens", request_model="claude", is_billable=False),
        ),
        (
            "/v1beta/models/gemini-2.5-flash:generateContent",
            b'{"generationConfig":{"maxOutputTokens":64}}',
            "gemini.generate_content",
            Call(operation_name="generate_content", request_model="gemini-2.5-flash", max_output_tokens=64),
        ),
        (
            "/v1/models/openai/gpt-4o:8b:streamGenerateContent/",
            b'{"generation_config":{"max_output_tokens":64}}',
            "gemini.generate_content",
            Call(
                operation_name="generate_content",
                request_model="openai/gpt-4o:8b",
                is_streaming=True,
                max_output_tokens=64,
            ),
        ),
        (
            "/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-pro:generateContent",
            b'{"generationConfig":[]}',
            "gemini.generate_content",
            Call(operation_name="generate_content", request_model="gemini-2.5-pro"),
        ),
        (
            "/v2/rerank",
            b'{"model":"rerank-v3.5","query":"eight by","documents":["four",{"text":"four"}]}',
            "cohere.rerank",
            Call(operation_name="rerank", request_model="rerank-v3.5"),
        ),
        (
            "/score",
            b'{"model":"bge","text_1":"four","text_2":["four"]}',
            "vllm.score",
            Call(operation_name="rerank", request_model="bge"),
        ),
        (
            "/tokenize",
            b'{"content":"four"}',
            "vllm.tokenize",
            Call(operation_name="count_tokens", is_billable=False),
        ),
        (
            "/completion",
            b'{"prompt":"hi","stream":true,"n_predict":64}',
            "llamacpp.completion",
            Call(operation_name="text_completion", is_streaming=True, max_output_tokens=64),
        ),
        (
            "/infill",
            b'{"model":"qwen","input_prefix":"hi","n_predict":-1,"max_tokens":9}',
            "llamacpp.completion",
            Call(operation_name="text_completion", request_model="qwen", max_output_tokens=9),
        ),
        (
            "/api/chat",
            b'{"model":"llama3:8b","messages":[],"options":{"num_predict":64}}',
            "ollama.chat",
            Call(operation_name="chat", request_model="llama3:8b", is_streaming=True, max_output_tokens=64),
        ),
        (
            "/api/chat",
            b'{"model":"llama3","stream":null,"options":{"num_predict":-1}}',
            "ollama.chat",
            Call(operation_name="chat", request_model="llama3", is_streaming=True),
        ),
        (
            "/api/generate",
            b'{"model":"llama3","stream":false,"options":{"num_predict":true}}',
            "ollama.generate",
            Call(operation_name="text_completion", request_model="llama3"),
        ),
        (
            "/api/generate",
            b'{"model":7,"stream":7,"options":7}',
            "ollama.generate",
            Call(operation_name="text_completion", is_streaming=True),
        ),
        (
            "/api/embed",
            b'{"model":"llama3","input":["eight by","tes"]}',
            "ollama.embed",
            Call(operation_name="embeddings", request_model="llama3"),
        ),
        (
            "/api/embeddings",
            b'{"model":"llama3","prompt":"eight by"}',
            "ollama.embed",
            Call(operation_name="embeddings", request_model="llama3"),
        ),
        (
            "/api/show",
            b'{"Name":"llama3"}',
            "ollama.show",
            Call(operation_name="show_model", request_model="llama3", is_billable=False),
        ),
        ("/api/show", b"[]", "ollama.show", Call(operation_name="show_model", is_billable=False)),
        (
            "/v1beta/tunedModels/mine-7:generateContent",
            b"\xff",
            "gemini.generate_content",
            Call(operation_name="generate_content", request_model="tunedModels/mine-7"),
        ),
        (
            "/v1beta/models/gemini-embedding-001:batchEmbedContents",
            b"{}",
            "gemini.embed_content",
            Call(operation_name="embeddings", request_model="gemini-embedding-001"),
        ),
        (
            "/v1beta/models/gemini-2.5-flash:countTokens",
            b"{}",
            "gemini.count_tokens",
            Call(operation_name="count_tokens", request_model="gemini-2.5-flash", is_billable=False),
        ),
    ],
)
def test_what_is_asked_for(path: str, body: bytes, name: str, call: Call):
    assert _call(path, body) == (name, call)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/threads/thread_1/messages",
        "/v1/messages/batches",
        "/v1/responses/resp_1",
        "/v1/responses/resp_1/input_items",
        "/v1/batches/batch_1/cancel",
        "/responses/a/b/cancel",
        "/v1beta/models/gemini-2.5-flash",
        "/v1beta/models/gemini-2.5-flash:batchGenerateContent",
        "/publishers/mistralai/models/mistral:rawPredict",
        "/v1/audio/voices",
        "/v1/images",
    ],
)
def test_what_nobody_claims(path: str):
    assert _FORMATS.find("POST", path).name == "unknown"


@pytest.mark.parametrize("format", BUILT_IN, ids=lambda format: format.name)
def test_only_chats_have_to_be_asked_for_usage(format):
    body = b'{"model":"m","stream":true}'
    is_asked = format.name in {"openai.chat", "openai.completions"}

    assert format.read("/", body).wants_usage != is_asked
    assert (format.ask_for_usage(body) is body) != is_asked
