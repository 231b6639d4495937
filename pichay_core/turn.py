"""One request: the client's bytes in, the bytes for upstream out, and what happened.

Rule of this file: it composes. What a request means is read by a wire format, what to do is
decided by the pager, and here the one is put into the other. Pure: time, chance and stored
content come in as arguments.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from pichay_core.birth.choice import Birth, chosen, only_begun
from pichay_core.birth.front import AS_IT_CAME, Front
from pichay_core.birth.shorter import NOTHING_SHORTER, Births
from pichay_core.cacheprice import CacheMultipliers
from pichay_core.events import Differed, Duplicated, Event, Repaired, Trimmed
from pichay_core.follow import Follow, follow
from pichay_core.ledger import TurnFacts
from pichay_core.model import PageId
from pichay_core.pager import Advance, Held, Limits, Seen, advance
from pichay_core.policies import Moment, Policy
from pichay_core.prices import NOTHING, Prices
from pichay_core.request import Request
from pichay_core.rewrite import Rewritten, rewrite, text_of
from pichay_core.schedule import Schedule
from pichay_core.session import Frame, Match, Session
from pichay_core.table import Entry, PageTable
from pichay_core.transcript import before_thinking, newest, place
from pichay_core.warmth import (
    CACHE_TTLS,
    begins_as_fork,
    front_changed,
    fronts,
    prefix,
    ttl_of,
    warm,
)
from pichay_core.window import window_of
from pichay_core.wire.clientstubs import asks_for_summary
from pichay_core.wire.message import Message


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides: which pages, when, within which limits."""

    policy: Policy
    schedule: Schedule
    limits: Limits
    edit: bool = True
    """False to decide and record, but send as it came (observe mode)."""
    evicts: bool = True
    """False to let every page stay that is in the window."""
    birth: Birth | None = None
    """What a conversation is given that begins now."""
    births: Births = NOTHING_SHORTER
    """Which new results go out shorter than they came."""
    multiples: CacheMultipliers | None = None
    """What the cache costs; None to take it from the prices, by model."""
    prices: Prices = NOTHING
    """The user's own; they win over the price list."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What became of one request."""

    session: Session
    body: bytes
    """For upstream; the client's own object where nothing was changed."""
    events: tuple[Event, ...]
    facts: TurnFacts
    flushed: str | None
    held: Held
    pending: int
    retry: bool
    """The same messages as last time: nothing was decided."""
    front: Front = AS_IT_CAME
    listed: int = 0
    """Bytes of the user's text that are not sent."""
    problems: frozenset[str] = frozenset()
    """Rules that the rewritten body would have broken; then the client's bytes are sent."""


def take(
    matched: Match, request: Request, rules: Rules, stored: Callable[[str], str | None]
) -> Turn:
    """Return the session after this request, and the body to send.

    ``stored`` returns recorded content by its digest; it is asked only for content that the
    client no longer sends. Raises nothing of its own.
    """
    moved = follow(matched, request)
    if rules.edit:
        moved = replace(moved, session=_born(_as_sent(moved.session), request, rules))
    if matched.how == "repeats":
        advanced = Advance(moved.session.table)
    else:
        seen = _seen(matched, moved, request, rules)
        policy = rules.policy if rules.evicts else _nothing
        session = moved.session
        advanced = advance(
            session.table, seen, policy, rules.schedule, rules.limits, session.secret
        )
    session = _after(moved.session, advanced, request)
    rewritten = rewrite(session, request, stored) if rules.edit else Rewritten(request.outline.body)
    edited = session.edited or rewritten.body is not request.outline.body
    session = replace(session, sent=rewritten.sent, texts=rewritten.texts, edited=edited)
    facts = _facts(session, matched, advanced, request, moved, rules.edit)
    return Turn(
        session=session,
        body=rewritten.body,
        events=(*moved.events, *advanced.events),
        facts=facts,
        flushed=advanced.flushed,
        held=advanced.held,
        pending=advanced.pending,
        retry=matched.how == "repeats",
        front=rewritten.front,
        listed=rewritten.listed,
        problems=rewritten.problems,
    )


def untouched(matched: Match, request: Request) -> Turn:
    """Return the turn of a session that is only observed: nothing is read, nothing decided."""
    before = matched.session
    after = replace(before, requests=before.requests + 1, last_at=request.at, texts=None, sent={})
    facts = TurnFacts(
        flushed=bool(before.sent),
        warm=warm(before, request.at),
        client_broke=matched.how in ("edited", "compacted"),
    )
    return Turn(after, request.outline.body, (), facts, None, Held(), 0, retry=False)


def view(session: Session, request: Request, stored: Callable[[str], str | None]) -> Rewritten:
    """Return the body as the session's decisions have it, deciding nothing (count_tokens)."""
    placed = place(request.messages, 0, {}, 0, lambda size: size)
    shown = replace(session, messages=request.messages, frames=placed.frames, sent={}, texts=None)
    return rewrite(shown, request, stored)


def _nothing(_entries: Sequence[Entry], _moment: Moment) -> list[Entry]:
    return []


def _born(session: Session, request: Request, rules: Rules) -> Session:
    """Return the session with what it is given at its birth, if it is being born."""
    if rules.birth is None or session.requests or session.parent or not only_begun(request):
        return session
    return replace(session, birth=chosen(rules.birth, request))


def _as_sent(session: Session) -> Session:
    """Return the session without decisions that were only recorded.

    While it was observed, the client's own text went upstream: it is what the provider has
    cached, and what it has bound thinking to. What is to leave is decided anew.
    """
    if session.edited:
        return session
    table = session.table.as_sent(session.frames)
    return session if table is session.table else replace(session, table=table, texts=None)


def _seen(matched: Match, moved: Follow, request: Request, rules: Rules) -> Seen:
    session, frames, messages = moved.session, moved.placed.frames, request.messages
    arrivals = tuple(a for a in moved.placed.pages if a.page.id not in session.table)
    bound = before_thinking(messages, frames) if session.binds else frozenset[PageId]()
    last = messages[-1].text if messages else ""
    ends = tuple(accumulate((message.size for message in messages), initial=0))
    held, at = ends[: _cached(matched, messages) + 1], request.at
    return Seen(
        turn=session.turn,
        arrivals=arrivals,
        newest=newest(messages, frames),
        bound=bound,
        cold=not warm(matched.session, at) or front_changed(matched.session, request),
        hold="client compaction" if asks_for_summary(last) else None,
        prefix=prefix(session, held, at, rules.multiples, rules.prices),
        window=window_of(request, ends[-1], session.model, rules.prices),
        births=_births(rules.births, request),
        text=text_of(frames, request),
    )


def _births(births: Births, request: Request) -> Births:
    """Return what may go out shorter in this request.

    Where the provider itself takes away what stands further up, nothing may refer to it.
    """
    asked = request.outline.field("context_management") or b""
    if b"clear_tool_uses" in asked or b"compact" in asked:
        return replace(births, duplicates=False, diffs=False)
    return births


def _cached(matched: Match, messages: Sequence[Message]) -> int:
    """Return how many messages from the first on the provider may hold.

    Of a conversation that we join late nobody knows: the client may have sent it a minute ago.
    """
    return matched.shared if matched.session.requests else max(0, len(messages) - 1)


def _after(session: Session, advanced: Advance, request: Request) -> Session:
    session = replace(
        session,
        table=advanced.table,
        requests=session.requests + 1,
        last_at=request.at,
        ttl=ttl_of(request.head, request.messages),
        front=fronts(session, request),
        head=request.head,
        bytes=len(request.outline.body),
        texts=session.texts if _texts_hold(advanced) else None,
    )
    if advanced.flushed is None:
        return session
    last = max(_out(session.table, session.frames), key=session.frames.__getitem__, default=None)
    return replace(session, flushed=session.turn, previous=session.boundary or None, boundary=last)


def _texts_hold(advanced: Advance) -> bool:
    """True if nothing in this turn put a new text into a frame."""
    return advanced.flushed is None and not any(isinstance(e, _NEW) for e in advanced.events)


_NEW = (Repaired, Duplicated, Differed, Trimmed)
"""What puts a text into a frame when its page comes."""


def _out(table: PageTable, frames: Mapping[PageId, Frame]) -> list[PageId]:
    return [page for page in frames if page in table and table[page].out]


def _facts(
    session: Session,
    matched: Match,
    advanced: Advance,
    request: Request,
    moved: Follow,
    edit: bool,
) -> TurnFacts:
    before = matched.session  # who only observes breaks a cache by giving edits up, if at all
    arrived = [a.page.id for a in moved.placed.pages if a.page.id not in before.table]
    faulted = [page for page in arrived if session.table[page].faults]
    return TurnFacts(
        only_refetched=bool(arrived) and len(faulted) == len(arrived),
        flushed=advanced.flushed is not None if edit else bool(before.sent),
        warm=warm(before, request.at),
        client_broke=matched.how in ("edited", "compacted")
        or front_changed(before, request)
        or begins_as_fork(before),
        one_hour=session.ttl == CACHE_TTLS["1h"],
    )
