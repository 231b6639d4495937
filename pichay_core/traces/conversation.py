"""Tells a conversation again, record by record, and says which requests it was made of.

One idea: a message knows the message before it, so the conversation is a tree, and a request is
the path from its last message to the root. Rewinds, client-side compaction and clearing only
choose another place to go on from; what was sent before stays as it was sent.

Formats speak in blocks (:mod:`pichay_core.traces.blocks`); :mod:`pichay_core.traces.steps`
turns the requests into values.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from pichay_core.model import Usage
from pichay_core.traces.blocks import Block
from pichay_core.traces.pairing import CallIds
from pichay_core.wire.shapes import string

USER, ASSISTANT = "user", "assistant"

CLEARED = "[Old tool result content cleared]"
"""What Claude Code and OpenCode leave of a result that they clear."""


@dataclass(slots=True, eq=False)
class Draft:
    """A message that may still grow."""

    role: str
    before: "Draft | None"
    blocks: list[Block] = field(default_factory=list[Block])
    at: float | None = None
    model: str = ""
    usage: Usage | None = None
    sent: bool = False
    """A request ends in it: it must not grow any more."""
    copy_of: "Draft | None" = None

    @property
    def origin(self) -> "Draft":
        """The message as it was recorded, whatever became of it later."""
        return self.copy_of or self


def message(role: str, blocks: Iterable[Block]) -> Draft:
    """Return a message that a client made up, such as a summary."""
    return Draft(role, None, list(blocks))


class Request(NamedTuple):
    """A request as it was recorded: its last message, the reply, and when it was made."""

    last: Draft | None
    reply: Draft | None
    at: float | None


class Position(NamedTuple):
    """A place in a conversation: after so many blocks of a message; None before the first."""

    draft: Draft | None
    blocks: int


START = Position(None, 0)


class Telling:
    """One conversation being told again."""

    def __init__(
        self, id: str, kind: str = "main", stable: Callable[[str], str] | None = None
    ) -> None:
        """Start one. ``stable`` returns what of a result's text is its content for ever."""
        self.id = id
        self.kind = kind
        self.stable = stable
        self._tail: Draft | None = None
        self._open: Draft | None = None
        self._keyed: dict[Hashable, Draft] = {}
        self._requests: list[Request] = []
        self._ids = CallIds()

    def user(self, blocks: Iterable[Block], at: float | None = None) -> None:
        """Add what the client says. It joins the user message before it, as clients send it."""
        said = [self._answering(block) for block in blocks]
        if not said:
            return
        tail = self._growing()
        tail.blocks += said
        tail.at = max(filter(None, (tail.at, at)), default=None)
        self._open = None

    def reply(
        self,
        blocks: Iterable[Block],
        key: Hashable = None,
        *,
        model: str = "",
        at: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        """Add what the model says. One with the key of an earlier one is a part of it.

        Without a key it is a part of the reply before it unless the client spoke in between.
        A reply that says nothing and cost nothing was never one.
        """
        said = list(blocks)
        draft = self._open if key is None else self._keyed.get(key)
        if draft is None:
            if not said and usage is None:
                return
            draft = self._answered(at)
        draft.blocks += [self._calling(block) for block in said if not _stands(block, draft)]
        draft.model = model or draft.model
        draft.usage = usage or draft.usage
        draft.at = draft.at or at
        self._open = draft
        if key is not None:
            self._keyed[key] = draft

    def billed(self, usage: Usage) -> None:
        """Say what the last reply cost, unless that is known."""
        reply = next((one.reply for one in reversed(self._requests) if one.reply), None)
        if reply is not None and reply.usage is None:
            reply.usage = usage

    def position(self) -> Position:
        """Return the place that the conversation has come to."""
        return Position(self._tail, len(self._tail.blocks) if self._tail else 0)

    def follow(self, position: Position) -> None:
        """Go on after *position*: a rewind if the model has replied to something else since."""
        if _newest_reply(position.draft) is not _newest_reply(self._tail):
            self.rewind(position)

    def rewind(self, position: Position) -> None:
        """Go on from *position*, as if what was said after it had not been said."""
        self._abandon()
        draft = self._now(position.draft)
        if draft and draft.role == USER and position.blocks < len(draft.blocks):
            draft = Draft(USER, draft.before, draft.blocks[: position.blocks])
        self._tail = draft

    def compact(self, kept: Iterable[Draft] = ()) -> None:
        """Go on with nothing but *kept*: the client compacted its history."""
        self._abandon()
        self._tail = None
        self.add(kept)

    def add(self, messages: Iterable[Draft]) -> None:
        """Add messages that the client sends without having had a reply to them now."""
        for message in messages:
            if message.role == USER:
                self._growing().blocks += message.blocks
            else:
                blocks = list(message.blocks)
                self._tail = Draft(message.role, self._tail, blocks, copy_of=message.origin)

    def since(self, position: Position) -> list[Draft]:
        """Return what was said after *position*, as far as it has not been taken back."""
        start = position.draft.origin if position.draft else None
        found: list[Draft] = []
        for draft in _path(self._tail):
            if draft.origin is start:
                rest = draft.blocks[position.blocks :]
                found += [Draft(draft.role, None, rest, copy_of=start)] if rest else []
                break
            found.append(draft)
        return found[::-1]

    def clear(self, call_ids: Collection[str]) -> None:
        """Go on with placeholders for the results of these calls: the client cleared them."""
        names = {self._ids.newest(call_id) for call_id in call_ids}
        path = list(_path(self._tail))[::-1]
        hit = [at for at, draft in enumerate(path) if any(_answers(b, names) for b in draft.blocks)]
        if not hit:
            return
        before = path[hit[0]].before
        for draft in path[hit[0] :]:
            blocks = [_cleared(b) if _answers(b, names) else b for b in draft.blocks]
            before = replace(draft, before=before, blocks=blocks, copy_of=draft.origin)
        self._tail, self._open = before, None

    def requests(self) -> list[Request]:
        """Return the requests so far; what nobody answered is a request without a reply."""
        self._abandon()
        return self._requests

    def _growing(self) -> Draft:
        """Return the user message at the end, a new one if there is none that may grow."""
        tail = self._tail
        if tail is None or tail.role != USER:
            self._tail = tail = Draft(USER, tail)
        elif tail.sent:
            self._tail = tail = Draft(USER, tail.before, list(tail.blocks))
        return tail

    def _answered(self, at: float | None) -> Draft:
        """Return a new reply to all that was said so far."""
        asked = self._unsent()
        reply = Draft(ASSISTANT, self._tail)
        self._requests.append(Request(self._tail, reply, (asked.at if asked else None) or at))
        if self._tail:
            self._tail.sent = True
        self._tail = reply
        return reply

    def _unsent(self) -> Draft | None:
        """Return the user message at the end if no request has ended in it."""
        tail = self._tail
        return tail if tail and tail.role == USER and not tail.sent else None

    def _abandon(self) -> None:
        """Note what nobody answered."""
        if asked := self._unsent():
            asked.sent = True
            self._requests.append(Request(asked, None, asked.at))
        self._open = None

    def _now(self, draft: Draft | None) -> Draft | None:
        """Return the message as the client would send it now."""
        if draft is None:
            return None
        copies = (one for one in _path(self._tail) if one.origin is draft.origin)
        return next(copies, draft)

    def _calling(self, block: Block) -> Block:
        if block.get("type") != "tool_use":
            return block
        return {**block, "id": self._ids.called(string(block.get("id")))}

    def _answering(self, block: Block) -> Block:
        if block.get("type") != "tool_result":
            return block
        return {**block, "tool_use_id": self._ids.answered(string(block.get("tool_use_id")))}


def _path(last: Draft | None) -> Iterator[Draft]:
    """Yield the messages of a request, the last one first."""
    while last is not None:
        yield last
        last = last.before


def _newest_reply(draft: Draft | None) -> Draft | None:
    replies = (one.origin for one in _path(draft) if one.role == ASSISTANT)
    return next(replies, None)


def _stands(block: Block, draft: Draft) -> bool:
    """True if this very call stands in the reply already: it was recorded twice."""
    return block.get("type") == "tool_use" and bool(block.get("id")) and block in draft.blocks


def _answers(block: Block, names: Collection[str]) -> bool:
    return block.get("type") == "tool_result" and block.get("tool_use_id") in names


def _cleared(block: Block) -> Block:
    return {**block, "content": CLEARED}
