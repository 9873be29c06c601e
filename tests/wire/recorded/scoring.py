"""``POST /rerank``, ``score``, ``classify`` and ``pooling``, as Cohere, Jina, vLLM and Hugging Face answer them."""

from __future__ import annotations

from proxystore.values import Usage
from tests.wire.recorded.recording import Recording

_ASKED = b'{"model":"bge","query":"eight by","documents":["eight by"]}'
_RESULTS = b'"results":[{"index":0,"relevance_score":0.98,"document":{"text":"\\"usage\\": {}"}}]'


def _recording(name: str, body: bytes, usage: Usage, path: str = "/v1/rerank", **more) -> Recording:
    return Recording(name=f"{path}: {name}", path=path, body=body, usage=usage, asked=_ASKED, **more)


RECORDINGS = [
    _recording(
        "Cohere",
        b'{"id":"07",%b,"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":2}}}' % _RESULTS,
        Usage(requests=2, quality="reported"),
    ),
    _recording(
        "Cohere, by tokens",
        b'{"id":"07",%b,"meta":{"billed_units":{"input_tokens":7.0},"tokens":{"input_tokens":70}}}' % _RESULTS,
        Usage(input_tokens=7, quality="reported"),
    ),
    _recording(
        "Jina",
        b'{"model":"jina-reranker-v2","object":"list","usage":{"total_tokens":815},%b}' % _RESULTS,
        Usage(input_tokens=815, quality="reported", response_model="jina-reranker-v2"),
    ),
    _recording(
        "vLLM",
        b'{"id":"rerank-1","model":"bge","usage":{"prompt_tokens":56,"total_tokens":56,"completion_tokens":0},%b}'
        % _RESULTS,
        Usage(input_tokens=56, quality="reported", response_model="bge"),
    ),
    _recording("Hugging Face", b'[{"index":0,"score":0.98}]', Usage()),
    _recording("an error", b'{"error":{"message":"no such model"}}', Usage(), is_failed=True),
    _recording(
        "vLLM",
        b'{"id":"score-1","object":"list","created":1,"model":"bge","data":[{"index":0,"object":"score","score":0.9}],'
        b'"usage":{"prompt_tokens":12,"total_tokens":12}}',
        Usage(input_tokens=12, quality="reported", response_model="bge"),
        "/score",
    ),
    _recording("nothing told", b'{"data":[]}', Usage(), "/pooling"),
]
