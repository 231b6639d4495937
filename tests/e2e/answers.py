"""An upstream that answers as a test says, and remembers every request as it came."""

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from pichay_cli.demo import reply as replies
from pichay_cli.demo.reply import Reply, Text
from pichay_core.model import Usage

JSON = (("content-type", "application/json"),)
SSE = (("content-type", "text/event-stream; charset=utf-8"),)
USAGE = Usage(input=100, output=5)
WORDS = Reply((Text("The quick brown fox jumps over the lazy dog, again and again and again."),))
EVENTS = tuple(replies.frames(WORDS, "msg_1", "claude-sonnet-4-6", USAGE))
WHOLE = json.dumps(replies.message(WORDS, "msg_1", "claude-sonnet-4-6", USAGE)).encode()


@dataclass(frozen=True)
class Answer:
    status: int = 200
    headers: tuple[tuple[str, str], ...] = JSON
    pieces: tuple[bytes, ...] = (WHOLE,)
    pause: float = 0.0
    """Seconds before each piece but the first."""
    hold: threading.Event | None = None
    """Waited for after the first piece."""

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


STREAM = Answer(headers=SSE, pieces=EVENTS)


def refusal(status: int, kind: str, text: str) -> Answer:
    return Answer(status, JSON, (replies.error(kind, text),))


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    version: str
    headers: dict[str, str]
    body: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @property
    def json(self):
        return json.loads(self.body)


type Choose = Callable[[Seen], Answer]


@dataclass
class Answers:
    """Streams where the request asks for a stream, unless a test chooses otherwise."""

    choose: Choose = lambda seen: STREAM if b'"stream":true' in seen.body else Answer()
    seen: list[Seen] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)
    """Set once a client went away before its answer was complete."""

    @property
    def last(self) -> Seen:
        return self.seen[-1]

    async def __call__(self, scope, receive, send):
        seen = _seen(scope, await _body(receive))
        self.seen.append(seen)
        answer = self.choose(seen)
        watch = asyncio.create_task(self._watch(receive))
        headers = [(name.encode(), value.encode()) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        for number, piece in enumerate(answer.pieces):
            await asyncio.sleep(answer.pause if number else 0)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            while not number and answer.hold and not (answer.hold.is_set() or self.gone.is_set()):
                await asyncio.sleep(0.01)
        watch.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _watch(self, receive):
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone.set()


class Stage:
    """One server for all tests: each puts its own application on it."""

    def __init__(self):
        self.application = Answers()

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            while (event := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{event['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await self.application(scope, receive, send)


def _seen(scope, body: bytes) -> Seen:
    query = scope["query_string"].decode()
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    path = f"{scope['path']}?{query}" if query else scope["path"]
    return Seen(scope["method"], path, scope["http_version"], headers, body)


async def _body(receive) -> bytes:
    parts = []
    while (event := await receive())["type"] == "http.request":
        parts.append(event["body"])
        if not event["more_body"]:
            break
    return b"".join(parts)
