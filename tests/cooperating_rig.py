"""Client, proxy, model and provider played together; see :mod:`tests.cooperating`.

What the rig does around a reply is what ``pichay_proxy/continuing.py`` does.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from anthropic.lib.streaming._messages import accumulate_event

from pichay_core.cooperate.tags import TagFilter
from pichay_core.model import Usage
from pichay_core.session import Session
from pichay_core.store.records import Turned
from pichay_core.wire.reply import Reply, Stream
from pichay_core.wire.report import Report
from pichay_proxy.answering import facts_of
from pichay_proxy.exchange import Decision, Exchange
from tests.builders import HEADER_SESSION, KEY, Proxy, RecordedProxy, result, user
from tests.cooperating import Client, Model, Move, Said
from tests.oracle.provider import Oracle, Verdict
from tests.replies import events_of
from tests.tongues import ANTHROPIC, Tongue

type Json = dict[str, Any]

NAMED = {**KEY, HEADER_SESSION: "one"}
FINAL = Said(text=True)


@dataclass
class Leg:
    """One request upstream, and the reply to it."""

    upstream: bytes
    """In Anthropic's words."""
    native: bytes
    """As it went."""
    verdict: Verdict
    turn: Turned | None
    wrote: list[Json]
    """Signed."""
    reply: Reply | None = None
    shown: list[Json] = field(default_factory=list[Json])
    """Of what it wrote, what is not for us alone, as the model wrote it."""


@dataclass
class Step:
    """One request of the client's, and the whole reply to it."""

    move: Move
    how: str
    body: bytes
    legs: list[Leg]
    before: Session | None
    """As it stood before the request."""
    content: list[Json]
    """What the client was shown."""
    left: bool
    counted: bytes | None = None
    """What the provider was asked to count with the same request, after the reply."""
    after: Session | None = None
    messages: list[Json] = field(default_factory=list[Json])
    """The client's, at the request."""


class Willing:
    """A provider that takes everything and signs nothing."""

    def receive(self, upstream: bytes, betas: str) -> Verdict:
        return Verdict()

    def reply(self, upstream: bytes, content: list[Json]) -> list[Json]:
        return content


class Rig:
    """Plays moves; yields a step for each request of the client's."""

    def __init__(
        self,
        proxy: Proxy,
        model: str = "claude-sonnet-4-5",
        oracle: Oracle | Willing | None = None,
        bill: Callable[[bytes, float, Sequence[Json]], Usage] | None = None,
        restarts: bool = True,
        tongue: Tongue = ANTHROPIC,
    ) -> None:
        self.proxy, self.oracle = proxy, oracle or (Oracle() if tongue is ANTHROPIC else Willing())
        self.tongue = tongue
        self.client, self.model = Client(model), Model()
        self.wrote: dict[str, list[Json]] = {}
        """What the model wrote, by what the client was shown of it."""
        self._bill, self._restarts = bill, restarts

    def play(self, moves: Sequence[Move]) -> Iterator[Step]:
        for number, move in enumerate(moves):
            how = self.client.moves(move) if number else "first"
            if move.kind == "restart" and self._restarts and isinstance(self.proxy, RecordedProxy):
                self.proxy = self.proxy.restart()
            yield self._step(move, how)

    def _step(self, move: Move, how: str) -> Step:
        body, messages = self.client.body(), json.loads(json.dumps(self.client.messages))
        before = self.session
        after = (10.0, 400.0, 4000.0)[0 if move.kind != "pause" else 1 + move.amount % 2]
        with failing(move):
            upstream = self._sends(self.tongue.said(body), after, self._path(move))
        exchange = self.proxy.decision.exchange
        step = Step(move, how, body, [], before, [], False, messages=messages)
        for content in self._replies(step, upstream, exchange):
            step.content = content
        if move.kind == "count":
            step.counted = self._counts(body)
        step.after = self.session
        if step.left:
            self._leaves(step)
        else:
            self.wrote[key_of(step.content)] = [
                b for leg in step.legs for b in leg.wrote if not blank(b)
            ]
            self.client.takes(step.content)
        return step

    def _path(self, move: Move) -> str:
        return self.tongue.path if move.streamed else self.tongue.whole_path or self.tongue.path

    def _counts(self, body: bytes) -> bytes | None:
        tongue = self.tongue
        if not tongue.count:
            return None
        return tongue.heard(self.proxy.send(tongue.said(body), NAMED, 0.0, tongue.count))

    def _sends(self, body: bytes, after: float, path: str) -> bytes:
        """Return what goes upstream; as the addon does it where something raises."""
        proxy = self.proxy
        try:
            return proxy.send(body, NAMED, after, path)
        except Broken as error:
            proxy.paging.failed(error, proxy.at)
        try:
            proxy.decision = proxy.paging.kept(proxy.arrived(body, NAMED, path))
        except Broken:
            proxy.decision = Decision()
        return proxy.decision.body or body

    def _answers(self, move: Move, exchange: Exchange, reply: Reply) -> Decision | None:
        with failing(move):
            try:
                return self.proxy.paging.answering.answered(exchange, reply, self.proxy.at)
            except Broken:
                return None

    @property
    def session(self) -> Session | None:
        found = list(self.proxy.sessions)
        return max(found, key=lambda session: session.last_at, default=None)

    def _replies(
        self, step: Step, upstream: bytes, exchange: Exchange | None
    ) -> Iterator[list[Json]]:
        stream, shown = self._stream(step.move, exchange), b""
        while True:
            leg = self._leg(step, upstream, exchange)
            step.legs.append(leg)
            pieces = self._pieces(step.move, leg.wrote)
            cut = self._leaves_after(step, len(pieces))
            for piece in pieces[:cut]:
                shown += b"".join(stream.feed(piece)) if stream else piece
            if cut < len(pieces):
                step.left = True
                self._settle(exchange, leg)
                yield partial_content(shown, step.move) if step.move.streamed else []
                return
            answered = None
            if stream and exchange:
                leg.reply = stream.end()
                answered = self.proxy.paging.answering.answered(exchange, leg.reply, self.proxy.at)
                exchange.asked = len(leg.reply.asks)
                exchange.facts = facts_of(exchange, leg.reply, answered is not None)
            self._settle(exchange, leg)
            if answered is None or stream is None:
                break
            exchange, upstream = answered.exchange, answered.body or upstream
            stream.go_on()
        shown += b"".join(stream.finish()) if stream else b""
        yield self.tongue.shown(shown, step.move.streamed)

    def _stream(self, move: Move, exchange: Exchange | None) -> Stream | None:
        if exchange is None or not exchange.cooperates or exchange.carried is None:
            return None
        tags = partial(TagFilter, exchange.nonce) if exchange.nonce else None
        format = exchange.carried.request.format
        return format.stream(exchange.offered, tags, move.streamed)

    def _leg(self, step: Step, native: bytes, exchange: Exchange | None) -> Leg:
        upstream = self.tongue.heard(native)
        betas = ",".join(exchange.betas if exchange else ())
        verdict = self.oracle.receive(upstream, betas)
        number, session = len(step.legs), self.session
        said = step.move.said[number] if number < len(step.move.said) else FINAL
        offered = '"memory_fault"' in json.dumps(json.loads(upstream).get("tools"))
        nonce = exchange.nonce if exchange else ""
        content = self.model.writes(said, upstream, session.turn if session else 1, nonce, offered)
        signed = self.tongue.sayable(self.oracle.reply(upstream, content))
        turns = self.proxy.turns
        shown = [b for b in signed if not b.get("name", "").startswith("memory_") and known(b)]
        turn = turns[-1] if turns else None
        return Leg(upstream, native, verdict, turn, signed, shown=shown)

    def _pieces(self, move: Move, content: list[Json]) -> list[bytes]:
        stop = "max_tokens" if self._stops(move) else ""
        if not move.streamed:
            return [self.tongue.whole(content, stop)]
        found = self.tongue.frames(content, stop)
        if not move.piece:
            return found
        said = b"".join(found)
        return [said[at : at + 97 * move.piece] for at in range(0, len(said), 97 * move.piece)]

    def _stops(self, move: Move) -> bool:
        return len(move.said) == 1 and move.said[0].stop == "max_tokens"

    def _leaves_after(self, step: Step, pieces: int) -> int:
        """Pieces of this leg that the client still takes."""
        move = step.move
        if move.kind != "leave" or len(step.legs) - 1 != (move.amount % 3) % len(move.said):
            return pieces
        return pieces * move.amount // 7

    def _settle(self, exchange: Exchange | None, leg: Leg) -> None:
        if exchange is not None:
            usage = self._bill and self._bill(leg.upstream, self.proxy.at, leg.wrote)
            report = Report(usage) if usage else None
            self.proxy.paging.aftermath.replied(exchange, 200, report, self.proxy.at)

    def _leaves(self, step: Step) -> None:
        """The client has left: it keeps what it likes of what it was shown."""
        kept = [block for block in step.content if not blank(block)]
        if not [block for block in kept if block["type"] != "thinking"]:
            if step.move.amount % 2:
                self.client.says("Stop.")
            return
        self._truncated(step, kept)
        self.client.messages.append({"role": "assistant", "content": kept})
        calls = [block["id"] for block in kept if block["type"] == "tool_use"]
        if calls:
            broken = [result(call, "[interrupted]", is_error=True) for call in calls]
            self.client.messages.append(user(broken))
        else:
            self.client.says("Stop.")

    def _truncated(self, step: Step, kept: list[Json]) -> None:
        """Let the provider know what it wrote of a reply that broke off."""
        left, wrote = list(kept), list[Json]()
        for number, leg in enumerate(step.legs):
            mine = left[: len(leg.shown)]
            left = left[len(leg.shown) :]
            over = number < len(step.legs) - 1
            if over and list(map(known, mine)) == list(map(known, leg.shown)):
                wrote += [block for block in leg.wrote if not blank(block)]
            else:
                wrote += mine
                if mine:
                    self.oracle.reply(leg.upstream, mine)
        self.wrote[key_of(kept)] = wrote


class Broken(Exception):
    """Something inside fails."""


def _broken(*_: object, **__: object) -> Any:
    raise Broken


def _once() -> Any:
    """What is decided now breaks a rule; what was decided before does not."""
    left = [frozenset({"a rule of the provider"})]
    return lambda *_: left.pop() if left else frozenset()


FAILING = (
    ("pichay_proxy.paging.take", _broken),
    ("pichay_core.rewrite._new_problems", None),
    ("pichay_proxy.answering.answer", _broken),
    ("pichay_proxy.answering.take", _broken),
    ("pichay_proxy.answering.turned", _broken),
    ("pichay_proxy.paging.turned", _broken),
)
"""What fails in a move of the kind ``fail``, by its amount."""


@contextmanager
def failing(move: Move) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if move.kind == "fail":
            where, how = FAILING[move.amount - 1]
            patch.setattr(where, how or _once())
        yield


def known(block: Json) -> str:
    if block["type"] == "text":
        return untagged(block["text"])
    return json.dumps(block, sort_keys=True)


def untagged(text: str) -> str:
    """The text without tags and white space."""
    without = re.sub(r"<memory_(\w+)>.*?</memory_\1>", "", text, flags=re.DOTALL)
    return re.sub(r"\s", "", without)


def key_of(content: Sequence[Json]) -> str:
    """What a reply is known by, whatever its client trims and marks."""
    bare = ({k: v for k, v in b.items() if k != "cache_control"} for b in content)
    return "\n".join(filter(None, map(known, bare)))


def blank(block: Json) -> bool:
    return block["type"] == "text" and not block["text"].strip()


def partial_content(shown: bytes, move: Move) -> list[Json]:
    """The blocks of a reply that broke off: those that are whole, perhaps the text begun."""
    snapshot, buffers, over = None, dict[int, bytes](), set[int]()
    for said in events_of(shown):
        over |= {said["index"]} if said["type"] == "content_block_stop" else set()
        snapshot = accumulate_event(event=said, current_snapshot=snapshot, json_bufs=buffers)
    content = snapshot.to_dict()["content"] if snapshot else []
    keeps = move.piece != 50
    return [
        block
        for at, block in enumerate(content)
        if at in over or (keeps and block["type"] == "text" and block["text"].strip())
    ]
