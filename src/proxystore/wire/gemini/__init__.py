"""What Google's Gemini API says, at Google's own addresses and at Vertex's."""

from __future__ import annotations
