"""``POST /completion`` of llama.cpp's server."""

from __future__ import annotations

from proxystore.values import Usage
from tests.wire.recorded.recording import EVENTS, Recording, events

_WORD = b'{"index":0,"content":" \\"stop\\":true, error","stop":false,"tokens_predicted":1,"tokens_evaluated":7}'
_END = (
    b'{"index":0,"content":"","tokens":[],"stop":true,"model":"qwen3","tokens_predicted":5,"tokens_evaluated":7,'
    b'"generation_settings":{"n_predict":5,"stop":[]},"stop_type":"limit","stopping_word":"","tokens_cached":11,'
    b'"timings":{"cache_n":4,"prompt_n":3,"prompt_ms":10.5,"predicted_n":5,"predicted_ms":33.1}}'
)
_USAGE = Usage(input_tokens=3, cache_read_tokens=4, output_tokens=5, quality="reported", response_model="qwen3")
_STREAM = b'{"prompt":"hi","stream":true}'


def _recording(name: str, body: bytes, usage: Usage = _USAGE, **more) -> Recording:
    told = {"finish_reason": "length", **more}
    return Recording(name=f"completion: {name}", path="/completion", body=body, usage=usage, **told)


RECORDINGS = [
    _recording("document", _END),
    _recording("stream", events(_WORD, _WORD, _END), asked=_STREAM, content_type=EVENTS, is_ended=True, seen=3),
    _recording(
        "older stream, that tells of no cache",
        events(_WORD, _END.replace(b'"cache_n":4,', b"").replace(b'"limit"', b'"eos"')),
        Usage(input_tokens=7, output_tokens=5, quality="reported", response_model="qwen3"),
        asked=_STREAM,
        content_type=EVENTS,
        is_ended=True,
        finish_reason="stop",
    ),
    _recording(
        "error",
        b'{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}',
        Usage(),
        is_failed=True,
        finish_reason=None,
    ),
]
