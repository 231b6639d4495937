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
from tests.oracle.provider import CONTROLS, DROP, THINKING, Oracle, Verdict

type Json = dict[str, Any]


class Witness:
    """Sends requests and signs replies in two worlds, with the same signatures."""

    def __init__(self, proxy: Proxy, drops: bool = False, **oracle: Any) -> None:
        self.proxy = proxy
        self.drops = drops
        self.behind, self.alone = Oracle(**oracle), Oracle(**oracle)
        self.ours, self.theirs = Verdict(), Verdict()
        self.upstream = b""
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
