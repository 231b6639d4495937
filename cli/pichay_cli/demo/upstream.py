"""A scripted upstream that speaks the Anthropic Messages API, as an ASGI application.

Rule of this file: the script decides what the model says, the plan decides what goes wrong,
and everything that arrives is remembered as it came. What a request costs is the answer of a
prefix cache; what is refused is refused in the provider's words.
"""

import asyncio
import gzip
import hashlib
import json
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import brotli
import zstandard

from pichay_cli.demo import reply as replies
from pichay_cli.demo.cache import Billed, Entries, bill
from pichay_cli.demo.places import Json, count, places
from pichay_cli.demo.plan import Compression, Headers, Plan, Received
from pichay_cli.demo.reply import Reply
from pichay_cli.demo.rules import complaint
from pichay_core.model import Usage

type Script = Callable[[Mapping[str, Any]], Reply]
"""Says what the model answers; it sees the request and nothing else."""

type Receive = Callable[[], Any]
type Send = Callable[[Json], Any]

MODELS = ("claude-sonnet-4-5", "claude-sonnet-4-6", "claude-opus-4-5", "claude-haiku-4-5")

_JSON = "application/json"
_STREAM = "text/event-stream; charset=utf-8"


class _Dropped(Exception):
    """Raised on purpose, so that the server closes the connection in the middle of a body."""


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A request before it is answered."""

    turn: int
    method: str
    path: str
    query: str
    http_version: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class _Answer:
    """What goes back: the body in the pieces in which it is to be sent."""

    status: int
    pieces: Iterable[bytes]
    content_type: str = _JSON
    usage: Usage | None = None
    headers: Headers = ()


class Upstream:
    """The application. It keeps a record of requests and the entries of its prompt cache."""

    def __init__(
        self, script: Script, plan: Plan | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._script = script
        self._plan = plan or Plan()
        self._clock = clock
        self._entries: Entries = {}
        self._received: list[Received] = []
        self._turns = 0

    @property
    def received(self) -> tuple[Received, ...]:
        """Every request so far, in the order in which they were answered."""
        return tuple(self._received)

    @property
    def turns(self) -> tuple[Received, ...]:
        """The message requests among them."""
        return tuple(record for record in self._received if record.turn)

    async def __call__(self, scope: Json, receive: Receive, send: Send) -> None:
        """Answer one request, or take part in the start and the end of the server."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            arrived = self._arrive(scope, await _whole_body(receive))
            answer = self._answer(arrived)
            self._remember(arrived, answer)
            await self._send(arrived, answer, send)

    def _arrive(self, scope: Json, body: bytes) -> _Arrived:
        is_turn = scope["method"] == "POST" and scope["path"] == "/v1/messages"
        self._turns += is_turn
        return _Arrived(
            turn=self._turns if is_turn else 0,
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            http_version=scope["http_version"],
            headers=tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]),
            body=body,
        )

    def _answer(self, arrived: _Arrived) -> _Answer:
        if arrived.turn and (failure := self._plan.failure(arrived.turn)):
            return _Answer(failure.status, [failure.body], headers=failure.headers)
        match arrived.method, arrived.path:
            case "HEAD" | "GET", "/api/hello":
                return _Answer(200, [b"{}"])
            case "GET", "/v1/models":
                return _json(200, {"data": [_model(name) for name in MODELS], "has_more": False})
            case "POST", "/v1/messages" | "/v1/messages/count_tokens":
                return self._answer_post(arrived)
            case _:
                return _refusal(404, "not_found_error", f"Not found: {arrived.path}")

    def _answer_post(self, arrived: _Arrived) -> _Answer:
        headers = dict(arrived.headers)
        if not (headers.get("x-api-key") or headers.get("authorization")):
            return _refusal(401, "authentication_error", "x-api-key header is required")
        if "anthropic-version" not in headers:
            return _bad("anthropic-version: header is required")
        try:
            request = json.loads(_decoded(arrived.body, headers.get("content-encoding", "")))
        except (ValueError, zlib.error, brotli.error, zstandard.ZstdError, OSError) as fault:
            return _bad(f"The request body is not valid JSON: {fault}")
        if not arrived.turn:
            return self._counted(request)
        wrong = complaint(request)
        return _bad(wrong) if wrong else self._said(request, arrived)

    def _counted(self, request: Any) -> _Answer:
        wrong = complaint(request | {"max_tokens": 1}) if isinstance(request, dict) else "not JSON"
        return _bad(wrong) if wrong else _json(200, {"input_tokens": count(request)})

    def _said(self, request: Json, arrived: _Arrived) -> _Answer:
        reply = self._script(request)
        usage = replace(self._bill(request).usage, output=reply.tokens)
        name = "msg_" + hashlib.sha256(arrived.body).hexdigest()[:24]
        if request.get("stream"):
            pieces = replies.frames(reply, name, request["model"], usage)
            return _Answer(200, pieces, _STREAM, usage)
        whole = replies.message(reply, name, request["model"], usage)
        return replace(_json(200, whole), usage=usage)

    def _bill(self, request: Json) -> Billed:
        billed = bill(
            self._entries,
            places(request),
            scope=request["model"],
            minimum=self._plan.minimum_tokens,
            now=self._clock(),
        )
        self._entries = billed.entries
        return billed

    def _remember(self, arrived: _Arrived, answer: _Answer) -> None:
        record = Received(
            number=len(self._received) + 1,
            turn=arrived.turn,
            method=arrived.method,
            path=f"{arrived.path}?{arrived.query}" if arrived.query else arrived.path,
            http_version=arrived.http_version,
            headers=arrived.headers,
            body=arrived.body,
            status=answer.status,
            usage=answer.usage,
        )
        self._received.append(record)
        if self._plan.log:
            with self._plan.log.open("a") as file:
                file.write(record.as_line())

    async def _send(self, arrived: _Arrived, answer: _Answer, send: Send) -> None:
        is_gzip = self._compresses(arrived)
        headers = [("request-id", f"req_{len(self._received):06d}"), *answer.headers]
        if not answer.headers:
            headers.append(("content-type", answer.content_type))
        if is_gzip:
            headers.append(("content-encoding", "gzip"))
        raw = [(name.encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        pieces = self._paced(arrived, answer)
        async for piece in _compressed(pieces) if is_gzip else pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _paced(self, arrived: _Arrived, answer: _Answer) -> AsyncIterator[bytes]:
        """Yield the pieces with the planned pause before each, up to the planned cut."""
        is_stream = answer.content_type == _STREAM
        cut = self._plan.cut(arrived.turn) if is_stream else None
        for number, piece in enumerate(answer.pieces):
            if cut and number == cut.events:
                break
            if is_stream and number:
                await asyncio.sleep(self._plan.delay_seconds)
            yield piece
        if cut and cut.abrupt and arrived.http_version != "2":
            raise _Dropped

    def _compresses(self, arrived: _Arrived) -> bool:
        match self._plan.compression:
            case Compression.NEVER:
                return False
            case Compression.ALWAYS:
                return True
            case Compression.ACCEPTED:
                return "gzip" in dict(arrived.headers).get("accept-encoding", "")


async def _compressed(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield each piece as gzip, flushed, so that a reader sees every event when it is sent."""
    encoder = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    async for piece in pieces:
        yield encoder.compress(piece) + encoder.flush(zlib.Z_SYNC_FLUSH)
    yield encoder.flush()


def _decoded(body: bytes, encoding: str) -> bytes:
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip":
            return gzip.decompress(body)
        case "deflate":
            return zlib.decompress(body)
        case "br":
            return brotli.decompress(body)
        case "zstd":
            with zstandard.ZstdDecompressor().stream_reader(body) as reader:
                return reader.read()
        case other:
            raise ValueError(f"unknown content-encoding {other}")


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


def _json(status: int, value: Json) -> _Answer:
    return _Answer(status, [json.dumps(value, ensure_ascii=False).encode()])


def _bad(text: str) -> _Answer:
    return _refusal(400, "invalid_request_error", text)


def _refusal(status: int, kind: str, text: str) -> _Answer:
    return _Answer(status, [replies.error(kind, text)])


def _model(name: str) -> Json:
    return {"type": "model", "id": name, "display_name": name, "created_at": "2025-09-29T00:00:00Z"}
