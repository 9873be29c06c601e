"""``POST /v1beta/models/…:generateContent`` and its relatives."""

from __future__ import annotations

from proxystore.values import Usage
from tests.wire.recorded.recording import EVENTS, Recording, events

_PATH = "/v1beta/models/gemini-2.5-flash:%s"
_USAGE = (
    b'{"promptTokenCount":100,"cachedContentTokenCount":40,"candidatesTokenCount":50,"thoughtsTokenCount":30,'
    b'"totalTokenCount":180,"promptTokensDetails":[{"modality":"TEXT","tokenCount":100}]}'
)
_PIECE = (
    b'{"candidates":[{"content":{"parts":[{"text":" \xe2\x98\x83 } \\"usageMetadata\\": {\\"promptTokenCount\\":1} '
    b'\\\\"}],"role":"model"}%b,"index":0}],"usageMetadata":%b,"modelVersion":"gemini-2.5-flash","responseId":"r"}'
)
_BEGUN = b'{"promptTokenCount":100,"totalTokenCount":100}'
_EXPECTED = Usage(
    input_tokens=60,
    cache_read_tokens=40,
    output_tokens=50,
    reasoning_tokens=30,
    quality="reported",
    response_model="gemini-2.5-flash",
)
_STOP = b',"finishReason": "STOP"'
_PIECES = (_PIECE % (b"", _BEGUN), _PIECE % (b"", _BEGUN), _PIECE % (_STOP, _USAGE))
_ARRAY = b"[" + b"\n,\r\n".join(_PIECES) + b"\n]\n"
_MIXED = (
    b'{"promptTokenCount":1000,"cachedContentTokenCount":300,"candidatesTokenCount":1320,"toolUsePromptTokenCount":25,'
    b'"totalTokenCount":2345,"trafficType":"ON_DEMAND_FLEX","promptTokensDetails":[{"modality":"TEXT","tokenCount":400},'
    b'{"modality":"AUDIO","tokenCount":200},{"modality":"IMAGE","tokenCount":258},{"modality":"VIDEO","tokenCount":142}],'
    b'"cacheTokensDetails":[{"modality":"AUDIO","tokenCount":50},{"modality":"TEXT","tokenCount":250}],'
    b'"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1290},{"modality":"AUDIO","tokenCount":10}]}'
)


def _recording(name: str, method: str, body: bytes, usage: Usage = _EXPECTED, **more) -> Recording:
    told = {"finish_reason": "stop", **more}
    return Recording(name=f"gemini: {name}", path=_PATH % method, body=body, usage=usage, **told)


RECORDINGS = [
    _recording("document", "generateContent", _PIECES[-1]),
    Recording(
        name="gemini: at Vertex",
        path="/v1/projects/p/locations/us/publishers/google/models/gemini-2.5-flash:generateContent",
        body=_PIECES[-1].replace(b":", b" : "),
        usage=_EXPECTED,
        finish_reason="stop",
    ),
    _recording(
        "all kinds",
        "generateContent",
        _PIECE % (_STOP, _MIXED),
        Usage(
            input_tokens=1000 - 300 - 150 - 258 + 25,
            cache_read_tokens=300,
            input_audio_tokens=150,
            input_image_tokens=258,
            output_tokens=20,
            output_audio_tokens=10,
            output_image_tokens=1290,
            quality="reported",
            response_model="gemini-2.5-flash",
            service_tier="flex",
        ),
    ),
    _recording(
        "blocked",
        "generateContent",
        b'{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":7,'
        b'"totalTokenCount":7},"modelVersion":"gemini-2.5-flash"}',
        Usage(input_tokens=7, quality="reported", response_model="gemini-2.5-flash"),
        finish_reason="content_filter",
    ),
    _recording("events", "streamGenerateContent", events(*_PIECES), content_type=EVENTS, seen=3),
    _recording("events, CRLF", "streamGenerateContent", events(*_PIECES, end=b"\r\n"), content_type=EVENTS),
    _recording(
        "events, an error",
        "streamGenerateContent",
        events(_PIECES[0], b'{"error":{"code":503,"message":"Overloaded.","status":"UNAVAILABLE"}}'),
        Usage(input_tokens=100, quality="reported", response_model="gemini-2.5-flash"),
        content_type=EVENTS,
        is_failed=True,
        finish_reason=None,
    ),
    _recording(
        "events, the last of them without usage",
        "streamGenerateContent",
        events(*_PIECES, b'{"candidates":[],"usageMetadata":null}'),
        content_type=EVENTS,
    ),
    _recording("array", "streamGenerateContent", _ARRAY),
    _recording("array in one line", "streamGenerateContent", b"[" + b",".join(_PIECES) + b"]"),
    _recording(
        "embedding",
        "embedContent",
        b'{"embedding":{"values":[0.25,-0.5]},"usageMetadata":{"promptTokenCount":4,"totalTokenCount":4}}',
        Usage(input_tokens=4, quality="reported"),
        finish_reason=None,
    ),
    _recording(
        "embeddings, nothing told",
        "batchEmbedContents",
        b'{"embeddings":[{"values":[0.25,-0.5]}]}',
        Usage(),
        finish_reason=None,
    ),
    _recording(
        "tokens counted",
        "countTokens",
        b'{"totalTokens":31,"totalBillableCharacters":96}',
        Usage(quality="reported"),
        finish_reason=None,
    ),
]
