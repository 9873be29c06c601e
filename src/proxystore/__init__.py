"""Keys, limits, usage, audit and a response cache for any ASGI LLM proxy."""
