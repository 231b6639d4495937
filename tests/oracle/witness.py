"""A conversation through the proxy, before two oracles: one behind it, one as if it were not there.

What a client breaks itself is broken for both; what only the one behind the proxy complains of
is the proxy's doing.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from tests.builders import KEY, Proxy, unmarked
from tests.histories import Sent
from tests.oracle.provider import CONTROLS, DROP, THINKING, Oracle, Verdict, name_of

type Json = dict[str, Any]


class Witness:
    """Sends requests and signs replies in two worlds, with the same signatures."""

    def __init__(self, proxy: Proxy, drops: bool = False, **oracle: Any) -> None:
        self.proxy = proxy
        self.drops = drops
        self.behind, self.alone = Oracle(**oracle), Oracle(**oracle)
        self.ours, self.theirs = Verdict(), Verdict()
        self.upstream = b""
        self.given_up: set[str] = set()
        """The thinking that the client sent and the proxy did not, in the last request."""
        self._ever: set[str] = set()
        self._asked: tuple[bytes, bytes] | None = None

    def send(
        self, body: bytes, headers: Mapping[str, str] = KEY, after: float = 10.0, **fields: Any
    ) -> None:
        """Send a request; the verdicts of both worlds are in ``ours`` and ``theirs``."""
        betas = CONTROLS if self.drops else ""
        fields |= {"thinking": DROP} if self.drops else {}
        body = json.dumps({**json.loads(body), **fields}).encode() if fields else body
        self.upstream = self.proxy.send(body, {**headers, "anthropic-beta": betas}, after)
        self._asked = self.upstream, body
        self.ours = self.behind.receive(
            self.upstream, ",".join((betas, *self.proxy.decision.betas))
        )
        self.theirs = self.alone.receive(body, betas)

    def newly_given_up(self) -> tuple[set[str], set[str]]:
        """Return the thinking that is missing for the first time, and what has come back.

        What is missing is all thinking from the front on; anything else is a hole.
        """
        assert self._asked is not None
        ours, theirs = (_thinking_in(body) for body in self._asked)
        kept = [names for names in ours if names]
        gone = len([names for names in theirs if names]) - len(kept)
        assert [names for names in theirs if names][gone:] == kept, "a hole in the thinking"
        before, sent = self.given_up, {name for names in theirs for name in names}
        self.given_up = sent - {name for names in ours for name in names}
        new, self._ever = self.given_up - self._ever, self._ever | self.given_up
        return new, before & sent - self.given_up

    def replied(self, content: list[Json]) -> list[Json]:
        """Sign the reply to the last request."""
        assert self._asked is not None
        upstream, body = self._asked
        signed = self.behind.reply(upstream, content)
        assert self.alone.reply(body, signed) == signed
        return signed

    @property
    def harmed(self) -> bool:
        """True if the proxy brought about a refusal or a drop."""
        refused = self.ours.refusal is not None and self.theirs.refusal is None
        return refused or not set(self.ours.dropped) <= set(self.theirs.dropped)


def _thinking_in(body: bytes) -> list[list[str]]:
    """For each message the thinking in it, by name."""
    contents = (message["content"] for message in json.loads(body)["messages"])
    lists = (content if isinstance(content, list) else [] for content in contents)
    return [[name_of(b) for b in blocks if b["type"] in THINKING] for blocks in lists]


def clean(body: bytes, cold: bool) -> bool:
    """True if no tool loop is open; or if the one that is holds no thinking, and all is cold."""
    messages = json.loads(body)["messages"]
    asked = [at for at, message in enumerate(messages) if _asks(messages, at)]
    loop = messages[asked[-1] + 1 :] if asked else messages
    if not [message for message in loop if message["role"] == "assistant"]:
        return True
    return cold and not any(_thoughts(message) for message in loop)


def _asks(messages: list[Json], at: int) -> bool:
    """True if the user speaks there, and answers no call with it."""
    if messages[at]["role"] == "assistant":
        return False
    if _holds(messages[at], "tool_result"):
        return False
    before = messages[at - 1] if at else None
    return before is None or (before["role"] == "assistant" and not _holds(before, "tool_use"))


def _holds(message: Json, kind: str) -> bool:
    said = message["content"]
    return isinstance(said, list) and any(block["type"] == kind for block in said)


def step_by_step(play: Iterable[Sent]) -> Iterator[tuple[Sent, list[list[Json]]]]:
    """Yield the requests of a play, and those without which their replies cannot have come.

    With each come the replies whose thinking it brought about: the next request holds them.
    """
    pending: Sent | None = None
    seen: set[str] = set()
    for sent in play:
        for asked, reply in _asked(sent, seen):
            if pending is not None and _same(pending.body, asked.body):
                yield pending, [reply]
            else:
                if pending is not None:
                    yield pending, []
                yield asked, [reply]
            pending = None
        if pending is not None:
            yield pending, []
        pending = sent
    if pending is not None:
        yield pending, []


def _asked(sent: Sent, seen: set[str]) -> Iterator[tuple[Sent, list[Json]]]:
    """Yield the requests that brought the thinking in *sent* which has not been seen yet."""
    whole = json.loads(sent.body)
    for place, message in enumerate(whole["messages"]):
        thoughts = _thoughts(message)
        if thoughts and not thoughts <= seen:
            seen |= thoughts
            asked = {**whole, "messages": whole["messages"][:place]}
            yield replace(sent, body=json.dumps(asked).encode()), message["content"]


def _thoughts(message: Json) -> set[str]:
    content = message["content"]
    blocks = [] if isinstance(content, str) else content
    return {json.dumps(block) for block in blocks if block["type"] in THINKING}


def _same(one: bytes, other: bytes) -> bool:
    return _said(one) == _said(other)


def _said(body: bytes) -> list[Any]:
    """Messages without markers; a string is a list of one text."""
    said = unmarked(json.loads(body)["messages"])
    return [
        [{"type": "text", "text": m["content"]}] if isinstance(m["content"], str) else m["content"]
        for m in said
    ]
