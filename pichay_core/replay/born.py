"""What a recorded conversation is given at its birth, and what then stands in front of it.

One idea: recordings tell what a live profile is learnt from. Definitions of tools that no earlier
conversation of the same client in the same project called go out in short, from the first request
to the last. Chosen and written by the functions that live traffic runs.

What a recording cannot say, and what is assumed: the head is as big as it was billed, and the
definitions are a part of it. Where they would not leave ``LEAST_HEAD`` tokens of it for the system
prompt, the client sent smaller ones, and what is saved of them is less in that proportion.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from pichay_core.birth.choice import Birth, chosen, only_begun
from pichay_core.birth.definitions import short
from pichay_core.birth.front import front
from pichay_core.request import Request
from pichay_core.tokens import tokens_of_bytes
from pichay_core.traces.trace import Conversation
from pichay_core.wire import anthropic
from pichay_core.wire.format import Head, Outline
from pichay_core.wire.jsontext import Place

LEAST_HEAD = 1_000
"""Tokens of a system prompt."""
_SYSTEM = b'[{"type":"text","text":""}]'
"""A client's prompt, as far as it matters for what is put behind it."""
_PLACES = {name: Place(0, 0) for name in ("system", "tools")}

type Birthright = Callable[[Conversation], Birth | None]
"""Says what a conversation is to be given; None to leave everything as it came."""


@dataclass(frozen=True, slots=True)
class Begun:
    """One conversation, as far as others learn from it which tools are used."""

    client: str
    project: str
    at: float | None
    """Seconds since the epoch; without it, it neither teaches nor learns."""
    used: frozenset[str]
    tools: bytes | None = None
    """The definitions that it was offered, as one JSON list; None if they are not known."""


def left_out(begun: Sequence[Begun]) -> list[frozenset[str]]:
    """Return for each the tools whose definitions go out in short: nobody before it called them.

    Nothing is left out where nobody came before.
    """
    places: defaultdict[tuple[str, str], list[Begun]] = defaultdict(list)
    for one in begun:
        places[one.client, one.project].append(one)
    return [_unused(one, places[one.client, one.project]) for one in begun]


def _unused(one: Begun, others: Iterable[Begun]) -> frozenset[str]:
    if one.at is None or one.tools is None:
        return frozenset()
    earlier = [other.used for other in others if other.at is not None and other.at < one.at]
    return shortened(one.tools).difference(*earlier) if earlier else frozenset()


def with_tools(conversation: Conversation, named: bytes | None) -> Conversation:
    """Return the conversation with the definitions that a user names, if none were recorded.

    One that calls tools, but none of these, was offered others.
    """
    if named is None or conversation.tools is not None:
        return conversation
    used = conversation.used
    if used and not used & anthropic.definitions(named).keys():
        return conversation
    return replace(conversation, tools=named)


@lru_cache(maxsize=64)
def shortened(tools: bytes) -> frozenset[str]:
    """Return the names of the definitions in a JSON list that have a short form."""
    places = anthropic.definitions(tools).items()
    return frozenset(name for name, at in places if short(tools[at.start : at.end]) is not None)


@dataclass(frozen=True, slots=True)
class Ahead:
    """What stands before the messages of a conversation. Amounts are tokens of one request."""

    whole: int
    """As the client sends it."""
    definitions: int = 0
    """Of tool definitions, that are not sent."""
    protocol: int = 0
    """Of text that the client did not send."""
    short: frozenset[str] = frozenset()
    """Tools whose definitions go out in short."""
    born: bool = False
    """The conversation was there to be given something from its beginning."""
    offered: bool = False
    """It is known which tools it was offered."""
    squeezed: bool = False
    """The definitions as they are known are larger than what the bill has room for."""

    @property
    def sent(self) -> int:
        """What is sent."""
        return self.whole - self.definitions + self.protocol


def ahead(conversation: Conversation, request: Request, head: int, wanted: Birth | None) -> Ahead:
    """Return what stands in front from this first request on, whose head was billed so.

    As in live traffic nothing is given to a subagent, nor to a conversation that is joined late.
    """
    model, tools = request.head.model, conversation.tools or b"[]"
    if wanted is None or conversation.kind != "main" or not only_begun(request):
        return Ahead(head)
    offered = _offered(request, conversation, tools)
    birth = chosen(wanted, offered)
    made = front(offered, birth)
    room, size = max(0, head - LEAST_HEAD), tokens_of_bytes(len(tools), model)
    definitions = tokens_of_bytes(made.definitions, model)
    return Ahead(
        head,
        min(definitions, definitions * room // size),
        tokens_of_bytes(made.protocol, model),
        birth.names & shortened(tools),
        born=True,
        offered=conversation.tools is not None,
        squeezed=size > room,
    )


def _offered(request: Request, conversation: Conversation, tools: bytes) -> Request:
    """Return the request with its tools; where they are not known, with those that are called."""
    said = request.head
    names = tuple(anthropic.definitions(tools)) or tuple(sorted(conversation.used))
    head = Head(said.model, _SYSTEM, tools, "", "", names, said.ttls, None, True, "", None)
    return Request(anthropic, Outline(b"", _PLACES, ()), head, request.messages, request.at)
