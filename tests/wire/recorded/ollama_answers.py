"""``POST /api/chat``, ``generate``, ``embed`` and ``embeddings``."""

from __future__ import annotations

from proxystore.values import Usage
from tests.wire.recorded.recording import EVENTS, LINES, Recording

_HEAD = b'{"model":"llama3.2","created_at":"2023-08-04T08:52:19.385406455-07:00",'
_TIMES = b'"total_duration":4883583458,"load_duration":1334875,'
_COUNTS = b'"prompt_eval_count":26,"prompt_eval_duration":342546000,"eval_count":282,"eval_duration":4535599000}'
_SAYS = b'"message":{"role":"assistant","content":"\\"done\\":true, \\"eval_count\\": 1, error \xe2\x98\x83"},'
_WORD = _HEAD + _SAYS + b'"done":false}\n'
_END = _HEAD + b'"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop",' + _TIMES + _COUNTS
_USAGE = Usage(input_tokens=26, output_tokens=282, quality="reported", response_model="llama3.2")
_NO_STREAM = b'{"model":"llama3.2","stream":false}'


def _chat(name: str, body: bytes, usage: Usage = _USAGE, **more) -> Recording:
    told = {"is_ended": True, "finish_reason": "stop", "content_type": LINES, **more}
    return Recording(name=f"ollama: {name}", path="/api/chat", body=body, usage=usage, **told)


def _embed(name: str, body: bytes, usage: Usage, **more) -> Recording:
    asked = b'{"model":"all-minilm","input":"sixteen bytes it"}'
    return Recording(name=f"ollama: {name}", path="/api/embed", body=body, usage=usage, asked=asked, **more)


RECORDINGS = [
    _chat("stream", _WORD * 3 + _END + b"\n", seen=4),
    _chat("stream without the last line's end", _WORD * 3 + _END),
    _chat("stream whose lines end as on Windows", (_WORD * 2 + _END + b"\n").replace(b"\n", b"\r\n")),
    _chat("stream with spaces", (_WORD + _END + b"\n").replace(b'":', b'": '), seen=2),
    _chat("stream of one who tells no reason", _WORD + _END.replace(b'"done_reason":"stop",', b"") + b"\n"),
    _chat("stream cut by its bound", _END.replace(b'"stop"', b'"length"') + b"\n", finish_reason="length"),
    _chat("stream that breaks off", _WORD * 2, Usage(), is_ended=False, finish_reason=None, seen=2),
    _chat(
        "stream with an error in it",
        _WORD + b'{"error":"an error was encountered while running the model"}\n',
        Usage(),
        is_ended=False,
        is_failed=True,
        finish_reason=None,
    ),
    _chat("document", _END, asked=_NO_STREAM, content_type=b"application/json; charset=utf-8", is_ended=False),
    _chat("document where a stream was asked for", _END, content_type=b"application/json; charset=utf-8"),
    _chat("lines where a document was asked for", _WORD + _END, asked=_NO_STREAM),
    _chat(
        "a model that is loaded",
        _HEAD + b'"message":{"role":"assistant","content":""},"done_reason":"load","done":true}',
        Usage(quality="reported", response_model="llama3.2"),
        finish_reason="load",
    ),
    _chat(
        "a prompt that was read before",
        _END.replace(b'"prompt_eval_count":26,', b""),
        Usage(output_tokens=282, quality="reported", response_model="llama3.2"),
    ),
    _chat(
        "llama.cpp's document",
        b'{"choices":[],"object":"chat.completion","model":"llama3.2","usage":{"prompt_tokens":26,"completion_tokens":282}}',
        content_type=b"application/json; charset=utf-8",
        is_ended=False,
        finish_reason=None,
    ),
    _chat(
        "llama.cpp's stream",
        b'data: {"choices":[{"delta":{"content":"one"}}],"model":"llama3.2"}\n\n'
        b'data: {"choices":[{"finish_reason":"stop"}],"timings":{"prompt_n":26,"predicted_n":282}}\n\n'
        b"data: [DONE]\n\n",
        content_type=EVENTS,
    ),
    _embed(
        "embeddings",
        b'{"model":"all-minilm","embeddings":[[0.010071029,-0.0017594862]],"total_duration":14143917,'
        b'"load_duration":1019500,"prompt_eval_count":8}',
        Usage(input_tokens=8, quality="reported", response_model="all-minilm"),
    ),
    _embed("older embeddings", b'{"embedding":[0.56,0.01,-0.3]}', Usage()),
    _embed("no embeddings", b'{"error":"model \\"x\\" not found, try pulling it first"}', Usage(), is_failed=True),
]
