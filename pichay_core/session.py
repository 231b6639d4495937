"""One conversation as it stands after a turn, and which one a request continues.

Rule of this file: a session is a value. A turn makes a new one, so that a fork costs nothing
and a failed turn leaves no trace.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pichay_core.birth.choice import Birth
from pichay_core.cooperate.fold import Fold
from pichay_core.cooperate.zones import NO_NOTES, Notes
from pichay_core.identity import same_prompt
from pichay_core.ledger import Ledger
from pichay_core.model import PageId, SessionId
from pichay_core.modes import MODES
from pichay_core.table import PageTable
from pichay_core.thrash import NOTHING_SEEN, Watch
from pichay_core.wire.format import Edits, Head
from pichay_core.wire.message import Message
from pichay_core.wire.reply import Leg


class Frame(NamedTuple):
    """Where a page stands in the conversation: message and content block."""

    message: int
    block: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as it was rewritten, kept so that it need not be rewritten again."""

    original: bytes
    edits: Edits
    message: Message
    sound: bool
    """It differs from the original in texts and markers only."""


@dataclass(frozen=True, slots=True)
class Aside:
    """What a reply held that its client was not shown."""

    at: int
    """The client's message that it is a part of, counted from 0."""
    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True)
class Retold:
    """A reply of the client's, told again as the model knows it."""

    at: int
    aside: Aside
    reply: Message
    """As the client sends it."""
    after: Message | None
    """What follows it, likewise."""
    messages: tuple[Message, ...]
    """That stand for the reply."""
    follows: Message | None
    """What stands for the message after it."""


REFUSED = "provider refused our edit"
"""How the reason begins of a session that is frozen because of a refusal."""


@dataclass(frozen=True, slots=True)
class Session:
    """One recognised conversation. Times are seconds since the epoch, clocks are turns."""

    id: SessionId
    identity: str
    shape: str
    secret: bytes
    """Sixteen random bytes: handles are made with it."""
    kind: str = "main"
    """``main``, ``subagent``, ``side`` or ``fork``."""
    parent: SessionId | None = None
    model: str = ""
    wire: str = ""
    """The name of the format that its last request came in."""
    reply: str = ""
    """The id of its last reply, by which the client may go on from it; empty if it has none."""
    provider: str = ""
    """Who serves it, as the price list has it; empty if that goes by the model."""
    binds: bool = False
    """A model was asked that binds thinking to the history: what it thought keeps its binding
    whatever model is asked later."""
    edited: bool = False
    """Other bytes than the client's have gone upstream."""
    client: str = ""
    """Which program talks, by its user-agent header; empty if that says nothing."""
    project: str = ""
    """The directory it works in, as far as it says so; else empty."""
    birth: Birth | None = None
    """What stands in front of its messages instead of the client's own; None if that does."""
    mode: str = ""
    """The mode that its last request had."""
    cleared_pages: int = 0
    """Tool results that the provider itself left out of the last request that was answered."""
    cleared_tokens: int = 0
    """What came to that, as the provider counts."""
    messages: tuple[Message, ...] = ()
    """As the model knows them."""
    frames: Mapping[PageId, Frame] = field(default_factory=dict[PageId, Frame])
    placed: bool = True
    """False after a restart, until the frames have been found again."""
    table: PageTable = field(default_factory=PageTable)
    turn: int = 0
    """User messages so far."""
    requests: int = 0
    last_at: float = 0.0
    """When the last request was seen; 0 before the first."""
    ttl: int = 300
    """Seconds the provider keeps this conversation's prefix."""
    flushed: int | None = None
    """The turn of the last flush."""
    boundary: PageId | None = None
    """The last page that was out after the last flush."""
    previous: PageId | None = None
    """The boundary before that."""
    front: str = ""
    """What stood before the messages in the last requests, as hashes; empty before the first."""
    head: Head | None = None
    texts: Mapping[int, Mapping[int, str]] | None = None
    """New result texts by message and block; None until they have been made."""
    sent: Mapping[int, Sent] = field(default_factory=dict[int, Sent])
    bytes: int = 0
    """Size of the last request."""
    failures: int = 0
    frozen: str | None = None
    """Why the session is only observed, None while it is paged."""
    held: str | None = None
    """Why no more pages leave, though those that are out stay out; None while they may."""
    stripped: int = 0
    """So many messages from the first on are sent without their thinking."""
    heard: tuple[Message, ...] | None = None
    """The client's own messages, where the model knows others; None where it knows these."""
    asides: tuple[Aside, ...] = ()
    """What the client was not shown, in the order of the conversation."""
    retold: Mapping[int, Retold] = field(default_factory=dict[int, Retold])
    """The asides in their places, as they were told last."""
    folds: tuple[Fold, ...] = ()
    """Turns that summaries stand for, or are to; also those that stand no more."""
    warned: frozenset[str] = frozenset()
    ledger: Ledger = field(default_factory=Ledger)
    watch: Watch = NOTHING_SEEN
    """What is known of thrash."""
    notes: Notes = NO_NOTES
    """What the model was told of its window, at places in the messages."""

    @property
    def own(self) -> tuple[Message, ...]:
        """The messages as the client sends them."""
        return self.messages if self.heard is None else self.heard

    @property
    def keeps(self) -> bool:
        """True if what was decided goes on whatever happens.

        Other bytes than the client's are what the provider has cached, and what it has bound
        thinking to. Not so once it has refused them, or was sent the client's own since.
        """
        refused = (self.frozen or "").startswith(REFUSED)
        return self.edited and not (self.observed or refused)

    @property
    def observed(self) -> bool:
        """True if its last request went upstream as it came, whatever was decided."""
        return self.mode in MODES and not MODES[self.mode].edits


@dataclass(frozen=True, slots=True)
class Match:
    """How a request relates to a session that we know."""

    session: Session
    shared: int
    """Messages that are the same from the first on."""
    how: str
    """``extends``, ``repeats``, ``edited`` or ``compacted``."""


def shared_prefix(known: Sequence[Message], sent: Sequence[Message]) -> int:
    """Return how many messages from the first on say the same."""
    for position, (old, new) in enumerate(zip(known, sent, strict=False)):
        if old is not new and old.digest != new.digest:
            return position
    return min(len(known), len(sent))


def match(
    candidates: Iterable[Session], messages: Sequence[Message], shape: str, named: bool
) -> Match | None:
    """Return the session that a request continues, None if it begins one of its own.

    ``named`` says that the client gave its conversation an id. A call with another prompt or
    other tools is a side call unless it shares more than the first message, or goes on from it
    with more tools than before. A history that shares hardly anything is the same conversation
    (rewound to its first message, compacted) if the client says so by its id, or by call ids
    that only that conversation has; but under one id there are many subagents of one kind.
    """
    calls = {result.call_id for message in messages for result in message.results}
    found = [
        _relation(session, shared_prefix(session.own, messages), len(messages))
        for session in candidates
    ]
    possible = [relation for relation in found if _plausible(relation, shape, named, calls)]
    return max(possible, key=lambda relation: _closeness(relation, shape), default=None)


def _relation(session: Session, shared: int, length: int) -> Match:
    if shared == len(session.own):
        return Match(session, shared, "extends" if length > shared else "repeats")
    return Match(session, shared, "edited" if shared else "compacted")


def _plausible(relation: Match, shape: str, named: bool, calls: set[str]) -> bool:
    if relation.shared >= 2:
        return True
    session = relation.session
    if session.shape != shape:
        goes_on = relation.how == "extends" and relation.shared > 0
        return goes_on and same_prompt(session.shape, shape)
    if relation.how in ("extends", "repeats"):
        return relation.shared > 0
    return (named and session.kind != "subagent") or _has_calls(session, calls)


def _has_calls(session: Session, calls: set[str]) -> bool:
    own = {entry.page.call.id for entry in session.table.entries.values()}
    return bool((own & calls) - {""})


def _closeness(relation: Match, shape: str) -> tuple[int, bool, bool, float]:
    """Say how near a session is: one that holds more of a history than another has seen all of it.

    So it is also where the client goes back in the longer one, and all of the shorter one stands.
    """
    continues = relation.how in ("extends", "repeats")
    session = relation.session
    return relation.shared, continues, session.shape == shape, session.last_at
