"""What a recorded conversation is given at its birth, and what then stands in front of it.

One idea: recordings tell what a live profile is learnt from, and what is chosen, written and
restored is decided by the functions that live traffic runs (:mod:`pichay_core.birth`).

What a recording cannot say, and what is assumed: the head is as big as it was billed, and the
definitions are a part of it. Where they would not leave ``LEAST_HEAD`` tokens of it for the system
prompt, the client sent smaller ones, and what is saved of them is less in that proportion. A
subagent is offered what nobody knows, unless its own definitions were recorded. Everything that a
conversation used is known to those that begin after it has begun.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from pichay_core.birth.choice import Birth, chosen, only_begun
from pichay_core.birth.front import front
from pichay_core.birth.misses import carried_on
from pichay_core.birth.profile import LATEST, Earlier, profiled
from pichay_core.request import Request
from pichay_core.tokens import tokens_of_bytes
from pichay_core.traces.trace import Conversation
from pichay_core.wire import anthropic
from pichay_core.wire.format import Head, Outline
from pichay_core.wire.jsontext import Place
from pichay_core.wire.message import Message

LEAST_HEAD = 1_000
"""Tokens of a system prompt."""
TOLD = Birth(told=True)
"""What a conversation is given of which nobody knows what tools it was offered."""
_SYSTEM = b'[{"type":"text","text":""}]'
"""A client's prompt, as far as it matters for what is put behind it."""
_PLACES = {name: Place(0, 0) for name in ("system", "tools")}
_NO_TOOLS = b"[]"

type Birthright = Callable[[Conversation], Birth | None]
"""Says what a conversation is to be given; None to leave everything as it came."""


@dataclass(frozen=True, slots=True)
class Begun:
    """One conversation, as far as others learn from it which tools are used."""

    client: str
    project: str
    kind: str
    model: str
    at: float | None
    """Seconds since the epoch; without it, it neither teaches nor learns."""
    used: frozenset[str]
    tools: bytes | None = None
    """The definitions that it was offered, as one JSON list; None if they are not known."""


def births(begun: Sequence[Begun], asked: str = "auto") -> list[Birth]:
    """Return what each is to be given, as the profile of its client, project and kind had it.

    Profiles are learnt in the order of time. ``asked`` is one of ``profile.CHOICES``.
    """
    alike: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    for number, one in enumerate(begun):
        if one.at is not None:
            alike[one.client, one.project, one.kind].append(number)
    found = [TOLD] * len(begun)
    for numbers in alike.values():
        numbers.sort(key=lambda number: begun[number].at or 0.0)
        learnt = _learnt([begun[number] for number in numbers], asked)
        for number, birth in zip(numbers, learnt, strict=True):
            found[number] = birth
    return found


def _learnt(begun: Sequence[Begun], asked: str) -> Iterator[Birth]:
    """Yield what each is to be given, learning from those before it."""
    earlier: list[Earlier] = []
    for one in begun:
        birth = TOLD
        if one.tools is not None:
            birth = profiled(TOLD, asked, _asking(one), earlier[: -LATEST - 1 : -1])
        yield birth
        if one.used:
            missed = bool(one.used & birth.names)
            earlier.append(Earlier(one.used, birth.way != "whole", missed))


def _asking(one: Begun) -> Request:
    return _with_front(one.model, one.tools or _NO_TOOLS, (), (), 0.0)


def with_tools(conversation: Conversation, named: bytes | None) -> Conversation:
    """Return the conversation with the definitions that a user names, if none were recorded.

    One that calls tools, but none of these, was offered others; a subagent is too.
    """
    if named is None or conversation.tools is not None or conversation.kind != "main":
        return conversation
    used = conversation.used
    if used and not used & anthropic.definitions(named).keys():
        return conversation
    return replace(conversation, tools=named)


@dataclass(frozen=True, slots=True)
class Ahead:
    """What stands before the messages of a conversation. Amounts are tokens of one request."""

    whole: int
    """As the client sends it."""
    birth: Birth | None = None
    """None for a conversation that is given nothing."""
    definitions: int = 0
    """Of tool definitions, that the model is not given."""
    protocol: int = 0
    """Of text that the client did not send."""
    offered: bool = False
    """It is known which tools it was offered."""
    squeezed: bool = False
    """The definitions as they are known are larger than what the bill has room for."""
    missed: int = 0
    """Tools that a call has just named for the first time, though it was not given all of them."""

    @property
    def sent(self) -> int:
        """What is sent."""
        return self.whole - self.definitions + self.protocol


def ahead(conversation: Conversation, request: Request, head: int, wanted: Birth | None) -> Ahead:
    """Return what stands in front in this first request, whose head was billed so.

    As in live traffic nothing is given to a conversation that is joined late.
    """
    if wanted is None or not only_begun(request):
        return Ahead(head)
    offered = _offered(conversation, request)
    known = conversation.tools is not None
    return _sized(Ahead(head, offered=known), chosen(wanted, offered), offered)


def later(before: Ahead, conversation: Conversation, request: Request, new: Sequence[Message],
          cold: bool, bound: bool) -> Ahead:  # fmt: skip
    """Return what stands in front in a later request, which brings these *new* messages.

    *cold* and *bound* are those of :func:`pichay_core.birth.misses.carried_on`.
    """
    birth = before.birth
    if birth is None or not birth.reduced:
        return before
    called = {call.tool for message in new for call in message.calls}
    if not (called & birth.names - birth.called or (cold and birth.called - birth.whole)):
        return before if not before.missed else replace(before, missed=0)
    offered = _offered(conversation, request)
    after, _ = carried_on(birth, offered, new, cold, bound)
    missed = len(after.called - birth.called)
    return replace(_sized(before, after, offered), missed=missed)


def _sized(before: Ahead, birth: Birth, offered: Request) -> Ahead:
    made, model = front(offered, birth), offered.head.model
    room = max(0, before.whole - LEAST_HEAD)
    size = tokens_of_bytes(len(offered.head.raw_tools or _NO_TOOLS), model)
    definitions = tokens_of_bytes(made.definitions, model)
    return replace(
        before,
        birth=birth,
        definitions=min(definitions, definitions * room // size),
        protocol=tokens_of_bytes(made.protocol, model),
        squeezed=before.offered and size > room,
    )


def _offered(conversation: Conversation, request: Request) -> Request:
    """Return the request with its tools; where they are not known, with those that are called."""
    used = () if conversation.tools else tuple(sorted(conversation.used))
    tools, said = conversation.tools or _NO_TOOLS, request.head
    return _with_front(said.model, tools, used, request.messages, request.at)


def _with_front(
    model: str, tools: bytes, used: tuple[str, ...], messages: tuple[Message, ...], at: float
) -> Request:
    names = used or tuple(anthropic.definitions(tools))
    head = Head(model, _SYSTEM, tools, "", "", names, (), None, True, "", None)
    return Request(anthropic, Outline(b"", _PLACES, ()), head, messages, at)
