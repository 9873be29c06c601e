"""Every model that a request may be taken to ask for.

Parsers differ: of two members of one name one takes the first, another the last, a third minds no case; some let a
parameter of the query win over the body, and some read a body as a form because its type says so. Who is held to
models is held to every one of them, so that it does not matter how the proxy reads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import collapse_rfc2231_value
from typing import Any, Final
from urllib.parse import parse_qsl

from proxystore import Request

_MODEL: Final = "model"
_INSTEAD: Final = ("models", "fallbacks")
"""Where routers such as LiteLLM and OpenRouter are told what to ask where the model fails."""

_FORM: Final = b"application/x-www-form-urlencoded"
_MULTIPART: Final = b"multipart/form-data"
_STRANGE_CHARSET: Final = re.compile(rb';\s*charset\s*=\s*"?+(?!utf-8\b|us-ascii\b)', re.IGNORECASE)
_BOUNDARY: Final = re.compile(
    rb'multipart/form-data(?:\s*;\s*charset=[^;]+)?\s*;\s*boundary=(?:"([^"\\]{1,70})"|([^\s;"]{1,70}))\s*',
    re.IGNORECASE,
)
_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
_AS_IT_IS: Final = frozenset({"", "7bit", "8bit", "binary"})
_ESCAPED: Final = b"\\u"
_heads: Final = BytesHeaderParser()


class _UnclearError(Exception):
    """It cannot be told how others read this."""


async def models_of(request: Request, *, with_fallbacks: bool) -> frozenset[str]:
    """Return the models that *request* may be taken to ask for; none where that is not told, or not plainly.

    Args:
        request: Of which a wire format knows the path, or whose body is JSON.
        with_fallbacks: Whether those are meant as well that it names for the case that the first fails.
    """
    if request.is_claimed:
        named = request.format.read(request.path, b"").request_model
        if named is not None:
            return frozenset({named})  # the path's is served, whatever the rest says
    elif b"json" not in (request.header(b"content-type") or b"").lower():
        return frozenset()
    try:
        kind, body = _kind(request), await request.read()
        if kind == _MULTIPART:
            models = {*_in_parts(request, body)}
        else:
            models = {*_in_json(request, with_fallbacks=with_fallbacks)}
        if models and kind == _FORM:
            models.update(_in_pairs(body))
    except (_UnclearError, ValueError, RecursionError):  # the last over deep nesting
        return frozenset()
    query = request.scope.get("query_string", b"")
    if models and query:
        models.update(_in_pairs(query))
    return frozenset(models)


def _kind(request: Request) -> bytes:
    """Return what the body is said to be."""
    names = [name for name, _ in request.scope["headers"]]
    kind = request.header(b"content-type") or b""
    if names.count(b"content-type") > 1 or names.count(b"content-encoding") > 1 or _STRANGE_CHARSET.search(kind):
        raise _UnclearError
    return kind.partition(b";")[0].strip().lower()


def _in_pairs(text: bytes) -> list[str]:
    return [value for name, value in parse_qsl(text.decode("latin-1"), encoding="utf-8") if name == _MODEL]


def _in_json(request: Request, *, with_fallbacks: bool) -> Iterator[str]:
    body = request.readable_body
    lowered = body.lower()
    if request.is_claimed and lowered.count(b'model"') == 1 and _ESCAPED not in body and not _names_others(lowered):
        model = request.call.request_model  # the usual case: there is nothing else that could be it
        yield from (model,) if model else ()
        return
    members = json.loads(body, object_pairs_hook=_Members)
    for name, value in members if isinstance(members, _Members) else ():
        if name.lower() == _MODEL:
            if not isinstance(value, str) or not value:
                raise _UnclearError
            yield value
        elif with_fallbacks and name.lower() in _INSTEAD:
            yield from _in_fallbacks(value)
    model = request.call.request_model if request.is_claimed else None
    if model is not None:  # by another name, of which the format knows
        yield model


def _names_others(lowered: bytes) -> bool:
    return b'"models"' in lowered or b'"fallbacks"' in lowered


class _Members(list[tuple[str, Any]]):
    """An object of JSON with each of its members, however many there are of one name."""


def _in_fallbacks(value: Any) -> Iterator[str]:
    """Yield the names in ``["one"]``, ``[{"model": "one"}]`` and ``[{"this": ["one"]}]``."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, _Members):
        models = [each for name, each in value if name.lower() == _MODEL]
        for each in models or [each for _, each in value]:
            yield from _in_fallbacks(each)
    elif isinstance(value, list):
        for each in value:
            yield from _in_fallbacks(each)


def _in_parts(request: Request, form: bytes) -> Iterator[str]:
    found = _BOUNDARY.fullmatch((request.header(b"content-type") or b"").strip())
    if found is None or request.header(b"content-encoding") is not None:
        raise _UnclearError
    for part in form.split(b"--" + (found[1] or found[2]))[1:]:
        blank = _BLANK_LINE.search(part)
        if blank is None:
            continue
        head = _heads.parsebytes(part[: blank.start()].lstrip(b"\r\n"))
        if _MODEL in _names_in(head.get_all("content-disposition", ())):
            if str(head.get("content-transfer-encoding", "")).strip().lower() not in _AS_IT_IS:
                raise _UnclearError
            yield part[blank.end() :].removesuffix(b"\n").removesuffix(b"\r").decode()


def _names_in(dispositions: Iterable[object]) -> Iterator[str]:
    for disposition in dispositions:
        told = Message()
        told["content-disposition"] = str(disposition)
        for name, value in told.get_params(failobj=[], header="content-disposition"):
            if name.lower() == "name":
                yield collapse_rfc2231_value(value)
