"""Images and sound."""

from __future__ import annotations

from proxystore.values import Usage
from tests.wire.recorded.recording import EVENTS, Recording, events

_IMAGE_USAGE = (
    b'{"total_tokens":4150,"input_tokens":50,"output_tokens":4100,'
    b'"input_tokens_details":{"text_tokens":10,"image_tokens":40}}'
)
_IMAGES = Usage(input_tokens=10, input_image_tokens=40, output_image_tokens=4100, quality="reported")
_PIXELS = b"iVBORw0KGgo=" * 4
_PARTIAL = b'{"type":"image_generation.partial_image","b64_json":"%b","partial_image_index":0}' % _PIXELS
_IMAGE = b'{"type":"%b.completed","b64_json":"%b","size":"1024x1024","usage":%b}'
_AUDIO_USAGE = (
    b'{"type":"tokens","total_tokens":57,"input_tokens":50,"input_token_details":{"text_tokens":10,'
    b'"audio_tokens":40},"output_tokens":7}'
)
_HEARD = Usage(input_tokens=10, input_audio_tokens=40, output_tokens=7, quality="reported")
_WORD = b'{"type":"transcript.text.delta","delta":" \\"usage\\": word"}'

RECORDINGS = [
    Recording(
        name="images: tokens",
        path="/v1/images/generations",
        body=b'{"created":1,"data":[{"b64_json":"%b"}],"usage":%b}' % (_PIXELS, _IMAGE_USAGE),
        usage=_IMAGES,
    ),
    Recording(
        name="images: tokens of text in the output",
        path="/v1/images/edits",
        body=b'{"created":1,"data":[{}],"usage":{"input_tokens":5,"output_tokens":30,"total_tokens":35,'
        b'"output_tokens_details":{"image_tokens":20,"text_tokens":10}}}',
        usage=Usage(input_tokens=5, output_tokens=10, output_image_tokens=20, quality="reported"),
    ),
    Recording(
        name="images: counted",
        path="/openai/deployments/dall-e-3/images/generations",
        body=b'{"created":1,"data":[{"url":"https://x/1","revised_prompt":"usage"},{"url":"https://x/2"}]}',
        usage=Usage(requests=2, quality="reported"),
    ),
    Recording(
        name="images: stream",
        path="/v1/images/generations",
        asked=b'{"model":"gpt-image-1","stream":true}',
        content_type=EVENTS,
        body=events(_PARTIAL, _PARTIAL, _IMAGE % (b"image_generation", _PIXELS, _IMAGE_USAGE)),
        usage=_IMAGES,
    ),
    Recording(
        name="images: stream of an edit",
        path="/v1/images/edits",
        content_type=EVENTS,
        body=events(_PARTIAL, _IMAGE % (b"image_edit", _PIXELS, _IMAGE_USAGE), end=b"\r\n"),
        usage=_IMAGES,
    ),
    Recording(
        name="images: stream, error",
        path="/v1/images/generations",
        content_type=EVENTS,
        body=events(_PARTIAL, b'{"type":"error","error":{"message":"Sorry."}}'),
        usage=Usage(),
        is_failed=True,
    ),
    Recording(
        name="transcription: tokens",
        path="/v1/audio/transcriptions",
        body=b'{"text":"Say \\"usage\\".","usage":%b}' % _AUDIO_USAGE,
        usage=_HEARD,
    ),
    Recording(
        name="transcription: seconds",
        path="/v1/audio/transcriptions",
        body=b'{"text":"hello","usage":{"type":"duration","seconds":12.5}}',
        usage=Usage(seconds=12.5, quality="reported"),
    ),
    Recording(
        name="transcription: verbose",
        path="/openai/v1/audio/translations",
        body=b'{"task":"translate","language":"english","duration":"8.470000267028809","text":"hello","segments":[]}',
        usage=Usage(seconds=8.470000267028809, quality="reported"),
    ),
    Recording(
        name="transcription: nothing told",
        path="/v1/audio/transcriptions",
        body=b'{"text":"hello","duration":-1}',
        usage=Usage(),
    ),
    Recording(
        name="transcription: longer than can be reckoned with",
        path="/v1/audio/transcriptions",
        body=b'{"text":"hello","duration":1e308}',
        usage=Usage(),
    ),
    Recording(
        name="transcription: stream",
        path="/v1/audio/transcriptions",
        content_type=EVENTS,
        body=events(_WORD, _WORD, b'{"type":"transcript.text.done","text":"word","usage":%b}' % _AUDIO_USAGE),
        usage=_HEARD,
    ),
    Recording(
        name="speech: stream",
        path="/v1/audio/speech",
        content_type=EVENTS,
        body=events(
            b'{"type":"speech.audio.delta","audio":"UklGRg=="}',
            b'{"type":"speech.audio.done","usage":{"input_tokens":14,"output_tokens":101,"total_tokens":115}}',
        ),
        usage=Usage(input_tokens=14, output_audio_tokens=101, quality="reported"),
    ),
]
