"""The scripted upstream: four wires in one ASGI application, with a record of what it was asked.

Rule of this file: what is refused is refused in the provider's words, what a request costs is
the answer of the provider's prefix cache as Pichay simulates it, and nothing is remembered of a
conversation but its bill.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from acceptance_parts import wire_anthropic, wire_chat, wire_gemini, wire_responses
from acceptance_parts.asked import Asked
from acceptance_parts.said import said
from pichay_core.model import Usage
from pichay_core.prefix import PrefixCache, Refused, Request, cache_for
from pichay_core.tariff import price
from pichay_core.wire.encoding import decoded
from pichay_core.wire.jsontext import Unreadable

type Json = dict[str, Any]
type Receive = Callable[[], Any]
type Send = Callable[[Json], Any]

LARGEST = 64 * 1024 * 1024
_STREAM = "text/event-stream"
_UPGRADE = 426
"""Answers a WebSocket upgrade: Codex then posts its whole history, as to any HTTP provider."""

ENDINGS: tuple[tuple[str, ModuleType], ...] = (
    ("/v1/messages", wire_anthropic),
    ("/chat/completions", wire_chat),
    ("/responses", wire_responses),
    (":generateContent", wire_gemini),
    (f":{wire_gemini.STREAMS}", wire_gemini),
)
"""How a path ends -> the wire that is spoken there."""
COUNTS: tuple[tuple[str, ModuleType], ...] = (
    ("/v1/messages/count_tokens", wire_anthropic),
    (":countTokens", wire_gemini),
)


@dataclass(frozen=True, slots=True)
class Received:
    """One request for a reply, and what came of it."""

    bytes: int
    move: str
    """What the model did; empty if it was refused."""
    refusal: str
    usage: Usage
    dollars: float | None
    """None if nobody knows the price of the model."""
    model: str


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    pieces: Iterable[bytes]
    content_type: str = "application/json"


class Upstream:
    """The application, for one run of a client in the project *root*."""

    def __init__(self, root: Path, captures: Path | None = None) -> None:
        self._root = root
        self._captures = captures
        self._caches: dict[str, PrefixCache | None] = {}
        self.received: list[Received] = []
        """Every request for a reply so far."""
        self.unknown: list[str] = []
        """Paths that nothing is known of."""

    async def __call__(self, scope: Json, receive: Receive, send: Send) -> None:
        """Answer one request, or take part in the start and the end of the server."""
        match scope["type"]:
            case "lifespan":
                await _live(receive, send)
            case "websocket":
                await _no_websocket(receive, send)
            case _:
                body = await _whole_body(receive)
                await _send(self._answer(scope, body), send)

    def _answer(self, scope: Json, body: bytes) -> _Answer:
        path = scope["path"].rstrip("/")
        headers = {name.decode("latin-1"): value.decode("latin-1")
                   for name, value in scope["headers"]}  # fmt: skip
        for ending, wire in (*COUNTS, *ENDINGS):
            if scope["method"] == "POST" and path.endswith(ending):
                return self._posted(path, wire, headers, body)
        if scope["method"] == "GET" and path.endswith("/models"):
            return _Answer(200, [_models("anthropic-version" in headers)])
        self.unknown.append(f"{scope['method']} {path}")
        return _Answer(404, [b'{"error":{"message":"Not found","type":"not_found_error"}}'])

    def _posted(self, path: str, wire: Any, headers: dict[str, str], raw: bytes) -> _Answer:
        is_count = any(path.endswith(ending) for ending, _ in COUNTS)
        try:
            body = json.loads(decoded(raw, headers.get("content-encoding", ""), LARGEST))
            wrong = wire.complaint({"max_tokens": 1} | body if is_count else body)
            asked = None if wrong else wire.read(body, path)
        except (ValueError, Unreadable) as error:
            wrong, asked, body = f"The request body is not valid JSON: {error}", None, {}
        self._keep(path, headers, body)
        if asked is None:
            return self._refused(wire, len(raw), wrong)
        if is_count:
            return _Answer(200, [wire.counted(asked.prompt.chain.total)])
        return self._said(wire, asked, raw)

    def _said(self, wire: Any, asked: Asked, raw: bytes) -> _Answer:
        reply = said(asked, self._root)
        try:
            usage = replace(self._bill(asked), output=reply.tokens)
        except Refused as error:
            return self._refused(wire, len(raw), str(error))
        found = price(usage, asked.model, datetime.now(UTC))
        dollars = found.total if found else None
        self.received.append(Received(len(raw), reply.move, "", usage, dollars, asked.model))
        name = hashlib.sha256(raw).hexdigest()[:22]
        content_type = _STREAM if asked.stream else "application/json"
        return _Answer(200, wire.answered(reply, asked, usage, name), content_type)

    def _refused(self, wire: Any, size: int, why: str) -> _Answer:
        self.received.append(Received(size, "", why, Usage(), None, ""))
        return _Answer(400, [wire.refused(400, why)])

    def _bill(self, asked: Asked) -> Usage:
        model, prompt = asked.model, asked.prompt
        cache = self._caches.setdefault(model, cache_for(model))
        if cache is None:
            return Usage(input=prompt.chain.total)
        request = Request(prompt.chain, time.monotonic(), model, prompt.marks,
                          automatic=prompt.automatic)  # fmt: skip
        billed = cache.bill(request)
        self._caches[model] = billed.after
        return billed.usage

    def _keep(self, path: str, headers: dict[str, str], body: Json) -> None:
        """Write the request where the user asked for it; it holds the client's own prompts."""
        if self._captures is None:
            return
        line = json.dumps({"path": path, "headers": headers, "body": body}, ensure_ascii=False)
        with self._captures.open("a") as file:
            file.write(line + "\n")


async def _send(answer: _Answer, send: Send) -> None:
    headers = [(b"content-type", answer.content_type.encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    for piece in answer.pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _no_websocket(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.http.response.start", "status": _UPGRADE, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b"", "more_body": False})


async def _whole_body(receive: Receive) -> bytes:
    parts = bytearray()
    while True:
        event = await receive()
        if event["type"] != "http.request":
            return bytes(parts)
        parts += event["body"]
        if not event["more_body"]:
            return bytes(parts)


async def _live(receive: Receive, send: Send) -> None:
    while (event := await receive())["type"] != "lifespan.shutdown":
        await send({"type": f"{event['type']}.complete"})
    await send({"type": "lifespan.shutdown.complete"})


def _models(is_anthropic: bool) -> bytes:
    """No names: the client keeps to those that it knows."""
    return json.dumps({"data": [], "has_more": False} if is_anthropic
                      else {"object": "list", "data": [], "models": []}).encode()  # fmt: skip
