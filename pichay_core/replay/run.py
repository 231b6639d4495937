"""A recorded conversation through a policy and a schedule: what is decided in each request.

Rule of this file: decisions come from :func:`pichay_core.turn.take`, the function that live
traffic runs. Nothing is decided here.

What a recording cannot say, and what is assumed: the system prompt and the tools stand in front
as one block (as big as the first bill leaves over, else ``HEAD_TOKENS``); the client marks that
block and its newest one; the model asks for what it asked for in the recording, so that only
faults that were re-reads anyway are seen, and both sides pay for them. A window that a beta of the
request made larger is taken for the model's usual one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pichay_core.birth.choice import Birth
from pichay_core.model import SessionId
from pichay_core.policies import Policy
from pichay_core.prefix import Ttl
from pichay_core.replay.born import LEAST_HEAD, Ahead, Birthright, ahead, later
from pichay_core.replay.world import BLOCK_TOKENS, sizes_of
from pichay_core.request import Request
from pichay_core.schedule import Schedule
from pichay_core.session import Match, Session, shared_prefix
from pichay_core.tokens import bytes_per_token, tokens_of_bytes
from pichay_core.traces.trace import Conversation, Step
from pichay_core.turn import Rules, Turn, take
from pichay_core.warmth import served, warm
from pichay_core.wire import anthropic
from pichay_core.wire.format import Head, Outline
from pichay_core.wire.message import Message

HEAD_TOKENS = 18_000
"""Tokens of system prompt and tools where the recording does not say."""
MOST_HEAD = 80_000
TURN_SECONDS = 20.0
"""Between two requests where the recording has no times."""
_SECRET = bytes(16)
"""Handles of a replay are shown to nobody."""


type Foresight = Callable[[Conversation, Setup], Policy]
"""Makes the policy of one conversation, having read all of it."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How a recording is replayed."""

    rules: Rules
    model: str = ""
    """Prices and cache of this model; the recorded one if empty."""
    ttl: Ttl = Ttl.MINUTES
    head: int | None = None
    """Tokens of system prompt and tools; None to take them from the recording."""
    boundary: bool = True
    """Leave a cache marker on the eviction boundary, as live traffic does."""
    foresight: Foresight | None = None
    """Makes a policy for each conversation, in place of that of the rules."""
    birth: Birthright | None = None
    """Says what each conversation is given at its birth; None to give it nothing."""

    def policy_for(self, conversation: Conversation) -> Policy:
        """Return the policy that decides in a conversation."""
        return self.foresight(conversation, self) if self.foresight else self.rules.policy

    def wanted_for(self, conversation: Conversation) -> Birth | None:
        """Return what a conversation is to be given at its birth."""
        return self.birth(conversation) if self.birth else None


@dataclass(frozen=True, slots=True)
class Replayed:
    """One request of a replay, after what was decided in it."""

    turn: Turn
    before: Session
    shared: int
    """Messages that are the same as in the request before."""
    at: float
    """Seconds."""
    model: str
    ahead: Ahead
    """What stands in front of the messages."""

    @property
    def session(self) -> Session:
        """The session after it."""
        return self.turn.session


def replayed(conversation: Conversation, setup: Setup, schedule: Schedule) -> Iterator[Replayed]:
    """Yield each request of a conversation with what is decided under these rules."""
    model = setup.model or conversation.model
    policy = setup.policy_for(conversation)
    rules = replace(setup.rules, policy=policy, schedule=schedule, edit=False)
    session = Session(SessionId("replay"), "", "", _SECRET, model=model)
    messages: list[Message] = []
    at, head, front = 0.0, setup.head, None
    for step in conversation.steps:
        head = _head_tokens(step, model) if head is None else head
        messages[step.keeps :] = step.new
        at = max(at + 1.0, step.at or at + TURN_SECONDS)
        before, sent = session, tuple(messages)
        matched = _match(before, sent)
        request = _request(sent, at, model, head, setup.ttl)
        if front is None:
            front = ahead(conversation, request, head, setup.wanted_for(conversation))
        elif front.birth and front.birth.reduced:
            front = _carried_on(front, conversation, matched, request)
        turn = take(matched, request, rules, _nothing_stored)
        session = turn.session
        yield Replayed(turn, before, matched.shared, at, model, front)


def _carried_on(front: Ahead, told: Conversation, matched: Match, request: Request) -> Ahead:
    """Return what stands in front of a later request: what became due does so in full."""
    before = matched.session
    cold = not warm(before, request.at) or not served(before, request)
    bound = before.binds and any(message.thinks for message in request.messages)
    new = () if matched.how == "repeats" else request.messages[matched.shared :]
    return later(front, told, request, new, cold and bool(new), bound)


def _request(messages: tuple[Message, ...], at: float, model: str, head: int, ttl: Ttl) -> Request:
    size = round(head * bytes_per_token(model))
    said = Head(model, None, None, "", "", (), (ttl.value,), None, True, "", None, size)
    return Request(anthropic, Outline(b"", {}, ()), said, messages, at)


def _nothing_stored(_digest: str) -> None:
    return None


def _match(session: Session, messages: tuple[Message, ...]) -> Match:
    shared = shared_prefix(session.messages, messages)
    if shared == len(session.messages):
        return Match(session, shared, "extends" if len(messages) > shared else "repeats")
    return Match(session, shared, "edited" if shared else "compacted")


def _head_tokens(step: Step, model: str) -> int:
    """Return how much of the first bill the first messages do not account for."""
    if step.usage is None:
        return HEAD_TOKENS
    sizes = (size for message in step.new for _, size in sizes_of(message, {}))
    left = step.usage.window - sum(tokens_of_bytes(size, model) + BLOCK_TOKENS for size in sizes)
    return min(MOST_HEAD, max(LEAST_HEAD, left)) if left > 0 else HEAD_TOKENS
