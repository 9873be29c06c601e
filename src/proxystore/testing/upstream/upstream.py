"""The upstream: who answers what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

import msgspec

from proxystore.exchange.asgi import Receive, Scope, Send
from proxystore.testing.upstream import audio, chats, contents, embeddings, images, messages, ollama, responses
from proxystore.testing.upstream.answering import CREATED, Place, Words
from proxystore.testing.upstream.errors import send_error
from proxystore.testing.upstream.question import Question, Seen
from proxystore.testing.upstream.sending import lifespan, read, send_json

ANSWER: Final = "The quick brown fox jumps over the lazy dog."
MODELS: Final = (
    "gpt-4o",
    "gpt-4o-mini",
    "text-embedding-3-small",
    "gpt-image-1",
    "dall-e-3",
    "gpt-4o-transcribe",
    "whisper-1",
    "gpt-4o-mini-tts",
    "claude-haiku-4-5",
    "gemini-2.5-flash",
    "gemini-embedding-001",
    "llama3:8b",
)

_Answering: TypeAlias = Callable[[Question, Place], Awaitable[None]]
_ANSWERS: Final[dict[str, _Answering]] = {
    "/chat/completions": chats.chat,
    "/completions": chats.complete,
    "/embeddings": embeddings.embed,
    "/responses": responses.respond,
    "/responses/compact": responses.compact,
    "/responses/input_tokens": responses.count_input,
    "/images/generations": images.draw,
    "/images/edits": images.draw,
    "/audio/transcriptions": audio.transcribe,
    "/audio/translations": audio.transcribe,
    "/audio/speech": audio.speak,
    "/v1/messages": messages.answer,
    "/v1/messages/count_tokens": messages.count,
    ":generateContent": contents.generate,
    ":streamGenerateContent": contents.stream,
    ":embedContent": contents.embed,
    ":batchEmbedContents": contents.embed,
    ":countTokens": contents.count,
    "/api/chat": ollama.chat,
    "/api/generate": ollama.generate,
    "/api/embed": ollama.embed,
    "/api/embeddings": ollama.embed_one,
    "/api/show": ollama.show,
}


class FakeUpstream:
    """Answers in OpenAI's, Anthropic's, Google's and Ollama's wire formats, and lists its models.

    Args:
        models: Known ones; another is answered with 404, as OpenAI does. They answer as a dated build of themselves.
        answer: What every chat says, one word a chunk when it is streamed.
        delay: Seconds before each chunk.

    Attributes:
        seen: Every request, in order.
    """

    def __init__(self, *, models: Sequence[str] = MODELS, answer: str = ANSWER, delay: float = 0.0) -> None:
        self.models = tuple(models)
        self.answer = answer
        self.delay = delay
        self.seen: list[Seen] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve (ASGI)."""
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
        elif scope["type"] == "websocket":
            await self._converse(scope, receive, send)
        elif scope["type"] == "http":
            body = await read(receive)
            self.seen.append(Seen(scope["path"], dict(scope["headers"]), body))
            await self._respond(scope, body, send)

    async def _respond(self, scope: Scope, body: bytes, send: Send) -> None:
        path: str = scope["path"]
        if scope["method"] == "GET" and path.endswith("/models"):
            await self._list_models(send)
            return
        if scope["method"] == "GET" and path.endswith("/api/tags"):
            await ollama.list_models(self.models, send)
            return
        try:
            question = Question.read(scope, body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            await send_error(send, path, 400, "invalid_json", "We could not parse the JSON body of your request.")
            return
        endings = (ending for ending in sorted(_ANSWERS, key=len, reverse=True) if path.endswith(ending))
        ending = next(endings, None)
        if question.model not in self.models:
            await send_error(send, path, 404, "model_not_found", f"The model `{question.model}` does not exist.")
        elif ending is None:
            await send_error(send, path, 404, "not_found", f"Unknown path {path}.")
        else:
            await _ANSWERS[ending](question, Place(Words(self.answer, self.delay), send))

    async def _list_models(self, send: Send) -> None:
        models = [{"id": name, "object": "model", "created": CREATED, "owned_by": "fake"} for name in self.models]
        await send_json(send, {"object": "list", "data": models})

    async def _converse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer every ``response.create`` on a WebSocket with the events of a response."""
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            text: str = message.get("text") or message["bytes"].decode()
            self.seen.append(Seen(scope["path"], dict(scope["headers"]), text.encode()))
            async for said in responses.answer_message(text, Words(self.answer, self.delay)):
                await send({"type": "websocket.send", "text": said})
