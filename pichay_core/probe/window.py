"""What a conversation was made of, and in which requests each piece of it stood.

Rule of this file: a piece is counted once, however often it is sent. Where it stood is a row of
stays, so that what it cost is arithmetic, not a walk through every request.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from pichay_core.model import Call
from pichay_core.traces import Conversation, Step
from pichay_core.wire import jsontext
from pichay_core.wire.message import Message, Result
from pichay_core.wire.shapes import Json, items, mapping, string


class Sort(StrEnum):
    """What a piece is."""

    RESULT = "tool results"
    INPUT = "tool inputs"
    ASSISTANT = "assistant text"
    USER = "user text"
    THINKING = "thinking"


class Stay(NamedTuple):
    """Requests with a reply, by number from 0: from the first on, up to and without the end."""

    first: int
    end: int


@dataclass(slots=True, eq=False)
class Piece:
    """A result, a text or the arguments of a call."""

    sort: Sort
    bytes: int
    """UTF-8, of the text; 0 for a result that is not all text (an image)."""
    digest: str
    turn: int
    """The user turn in which it first came, from 1."""
    call: Call | None = None
    """The call that a result answers."""
    result: Result | None = None
    copy: bool = False
    """Only what the client left of an earlier piece: new as bytes, not as content."""
    stays: list[Stay] = field(default_factory=list[Stay])

    @property
    def requests(self) -> int:
        """In how many requests it stands."""
        return sum(stay.end - stay.first for stay in self.stays)

    @property
    def first(self) -> int:
        """The first request in which it stands; only asked of what was sent."""
        return self.stays[0].first


class Asked(NamedTuple):
    """A call of the model, and the request whose reply makes it."""

    request: int
    call: Call


@dataclass(frozen=True, slots=True)
class Told:
    """A conversation as pieces, calls and requests."""

    pieces: tuple[Piece, ...]
    """In the order in which they came."""
    calls: tuple[Asked, ...]
    turns: tuple[int, ...]
    """For each request with a reply, the user turn it is of."""

    def results(self) -> Iterator[Piece]:
        """Yield the results, each once."""
        return (p for p in self.pieces if p.sort is Sort.RESULT and not p.copy)


def told(conversation: Conversation) -> Told:
    """Return the conversation as pieces that know where they stood.

    A user turn is a request for which the client spoke; results count as speaking. Requests
    without a recorded reply are no requests here: whether they were made is not known.
    """
    following = _Following()
    for step in conversation.steps:
        following.step(step)
    return following.told()


type _Name = tuple[Sort, str]


class _Following:
    """The window, request by request."""

    def __init__(self) -> None:
        self._window: list[list[Piece]] = []
        self._since: dict[Piece, int] = {}
        self._pieces: list[Piece] = []
        self._calls: list[Asked] = []
        self._answers: dict[str, Call] = {}
        self._turns: list[int] = []
        self._turn = 0
        self._spoken = False
        self._reply: list[Piece] = []

    def step(self, step: Step) -> None:
        """Take in a request, and the reply if there is one."""
        if not self._spoken and any(message.role == "user" for message in step.new):
            self._turn += 1
            self._spoken = True
        left = self._leave(step.keeps)
        for message in step.new:
            self._enter([self._known(named, left) for named in _named(message)])
        self._reply = []
        if step.reply is not None:
            self._replied(step.reply)

    def told(self) -> Told:
        """Return what was followed so far."""
        self._leave(0)
        return Told(tuple(self._pieces), tuple(self._calls), tuple(self._turns))

    def _leave(self, keeps: int) -> defaultdict[_Name, list[Piece]]:
        """Take out what is not sent again; return it, and the last reply, by what it says."""
        left: defaultdict[_Name, list[Piece]] = defaultdict(list)
        gone = [piece for message in self._window[keeps:] for piece in message]
        for piece in gone:
            first = self._since.pop(piece, len(self._turns))
            if first < len(self._turns):
                piece.stays.append(Stay(first, len(self._turns)))
        for piece in (*gone, *self._reply):
            left[_name(piece)].append(piece)
        del self._window[keeps:]
        return left

    def _enter(self, message: list[Piece]) -> None:
        self._window.append(message)
        for piece in message:
            self._since[piece] = self._first(piece)

    def _first(self, piece: Piece) -> int:
        """Return since when a piece stands there: one that left just now has never left."""
        now = len(self._turns)
        returned = bool(piece.stays) and piece.stays[-1].end == now
        return piece.stays.pop().first if returned else now

    def _known(self, piece: Piece, left: defaultdict[_Name, list[Piece]]) -> Piece:
        """Return the piece that this one is, of those that left just now; else a new one."""
        same = left[_name(piece)]
        if same and same[0].digest == piece.digest:
            return same.pop(0)
        if same:
            same.pop(0)
            piece.copy = True
        return self._new(piece)

    def _new(self, piece: Piece) -> Piece:
        piece.turn = self._turn
        if piece.result is not None:
            piece.call = self._answers.get(piece.result.call_id)
        self._pieces.append(piece)
        return piece

    def _replied(self, reply: Message) -> None:
        self._reply = [self._new(piece) for piece in _named(reply)]
        self._calls += (Asked(len(self._turns), call) for call in reply.calls)
        self._answers |= {call.id: call for call in reply.calls}
        self._turns.append(self._turn)
        self._spoken = False


def _name(piece: Piece) -> _Name:
    """What a piece is recognised by when it is sent again: a result answers the same call."""
    return piece.sort, piece.result.call_id if piece.result else piece.digest


_TEXTS = {"user": Sort.USER, "assistant": Sort.ASSISTANT}
_REMINDER = re.compile(r"(<system-reminder>.*?</system-reminder>)", re.DOTALL)


def _named(message: Message) -> Iterator[Piece]:
    """Yield the pieces of a message, each with what it says."""
    content = [mapping(item) for item in items(mapping(jsontext.value(message.raw)).get("content"))]
    results = {result.block: result for result in message.results}
    for position, block in enumerate(content):
        result = results.get(position)
        if result is not None:
            yield Piece(Sort.RESULT, result.bytes, result.digest, 0, result=result)
        else:
            yield from _said(block, message.role)


def _said(block: Json, role: str) -> Iterable[Piece]:
    match block.get("type"):
        case "text" if role in _TEXTS:
            return (_text(_TEXTS[role], part) for part in _parts(string(block.get("text"))))
        case "thinking":
            return (_text(Sort.THINKING, string(block.get("thinking"))),)
        case "tool_use":
            arguments = json.dumps(block.get("input"), sort_keys=True, ensure_ascii=False)
            return (_text(Sort.INPUT, arguments),)
        case _:
            return ()


def _parts(text: str) -> Iterable[str]:
    """A client's reminders stand by themselves, so that a repeated one is seen."""
    return filter(None, _REMINDER.split(text)) if "<system-reminder>" in text else (text,)


def _text(sort: Sort, text: str) -> Piece:
    encoded = text.encode(errors="surrogatepass")
    return Piece(sort, len(encoded), hashlib.blake2b(encoded, digest_size=16).hexdigest(), 0)
