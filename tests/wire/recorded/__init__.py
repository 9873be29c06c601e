"""Responses as providers send them, shortened, and what each says."""

from __future__ import annotations

from tests.wire.recorded import (
    anthropic_messages,
    gemini_content,
    llamacpp_completion,
    ollama_answers,
    openai_media,
    openai_responses,
    scoring,
)
from tests.wire.recorded.recording import Recording

ALL: list[Recording] = [
    *openai_responses.RECORDINGS,
    *openai_media.RECORDINGS,
    *anthropic_messages.RECORDINGS,
    *gemini_content.RECORDINGS,
    *ollama_answers.RECORDINGS,
    *llamacpp_completion.RECORDINGS,
    *scoring.RECORDINGS,
]
