"""One request: the client's bytes in, the bytes for upstream out, and what happened.

Rule of this file: it composes. What a request means is read by a wire format, what to do is
decided by the pager, and here the one is put into the other. Pure: time, chance and stored
content come in as arguments.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from pichay_core.advising import advised
from pichay_core.beginning import begun
from pichay_core.binding import bound_pages, may_go
from pichay_core.birth.choice import Birth
from pichay_core.birth.clearing import may_clear
from pichay_core.birth.front import AS_IT_CAME, Front
from pichay_core.birth.shorter import NOTHING_SHORTER, Births
from pichay_core.cacheprice import CacheMultipliers, writes_free
from pichay_core.easing import noticed
from pichay_core.events import Differed, Duplicated, Event, Repaired, Restored, Trimmed
from pichay_core.folding import beyond, carried_out, foldings, rewound
from pichay_core.follow import Follow, follow
from pichay_core.ledger import TurnFacts
from pichay_core.model import PageId
from pichay_core.pager import Advance, Held, Limits, Seen, advance
from pichay_core.policies import Moment, Policy, released_first
from pichay_core.prices import NOTHING, Prices
from pichay_core.request import Request
from pichay_core.rewrite import Rewritten, rewrite, text_of
from pichay_core.schedule import Schedule
from pichay_core.session import Frame, Match, Session, shared_prefix
from pichay_core.table import Entry, PageTable
from pichay_core.thinking import still_stripped
from pichay_core.transcript import newest, place
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
    keep_thinking: bool = False
    """True to let every page stay that thinking is bound to, at any time."""
    mode: str = ""
    """The name of the mode that all this follows from."""
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
        moved = begun(matched, moved, request, rules.birth)
    seen = None if matched.how == "repeats" else _seen(matched, moved, request, rules)
    advanced = _advanced(moved.session, seen, rules)
    session = _after(moved.session, advanced, request)
    session, told = advised(session, request, seen if rules.edit else None, advanced)
    rewritten = rewrite(session, request, stored) if rules.edit else Rewritten(request.client_body)
    edited = session.edited or rewritten.body is not request.client_body
    session = replace(
        session, sent=rewritten.sent, texts=rewritten.texts, edited=edited, mode=rules.mode
    )
    facts = _facts(session, matched, advanced, request, moved, rules)
    if any(isinstance(event, Restored) for event in moved.events):
        facts = replace(facts, flushed=True)
    return Turn(
        session=session,
        body=rewritten.body,
        events=(*moved.events, *advanced.events, *told),
        facts=facts,
        flushed=advanced.flushed,
        held=advanced.held,
        pending=advanced.pending,
        retry=matched.how == "repeats",
        front=rewritten.front,
        listed=rewritten.listed,
        problems=rewritten.problems,
    )


def _advanced(session: Session, seen: Seen | None, rules: Rules) -> Advance:
    if seen is None:
        return Advance(session.table, watch=session.watch)
    policy, limits = released_first(rules.policy) if rules.evicts else _nothing, rules.limits
    return advance(
        session.table, seen, policy, rules.schedule, limits, session.secret, session.watch
    )


def untouched(matched: Match, request: Request, kept: Rewritten) -> Turn:
    """Return the turn of a session that is only observed: nothing new is decided.

    *kept* is the body with what was decided before, or as it came. An episode of thrash is over.
    """
    known = matched.session
    before = replace(known, watch=known.watch.broken_off(known.turn))
    shown = before if kept.body is request.client_body else _shown(before, request)
    after = replace(
        shown, requests=before.requests + 1, last_at=request.at, texts=None, sent=kept.sent
    )
    model = request.head.model or before.model
    facts = TurnFacts(
        flushed=bool(before.sent) and not kept.sent,
        warm=warm(before, request.at),
        client_broke=matched.how in ("edited", "compacted"),
        free_writes=writes_free(model, request.at, provider=request.provider),
    )
    over = tuple(noticed(known.watch, before.watch))
    return Turn(after, kept.body, over, facts, None, Held(), 0, retry=False, front=kept.front)


def view(session: Session, request: Request, stored: Callable[[str], str | None]) -> Rewritten:
    """Return the body as the session's decisions have it, deciding nothing (count_tokens)."""
    return rewrite(replace(_shown(session, request), texts=None), request, stored)


def _shown(session: Session, request: Request) -> Session:
    """Return the session with the messages of a request; the new ones bring nothing with them."""
    placed = place(request.messages, 0, {}, 0, lambda size: size)
    messages, known = request.messages, session.messages
    shared = shared_prefix(known, messages)
    stripped = still_stripped(known, session.stripped, messages, shared)
    session, _ = rewound(session, placed.frames, shared)
    return replace(
        session,
        messages=messages,
        heard=request.own,
        frames=placed.frames,
        stripped=stripped,
        notes=session.notes.within(shared),
        placed=True,
    )


def _nothing(_entries: Sequence[Entry], _moment: Moment) -> list[Entry]:
    return []


def _seen(matched: Match, moved: Follow, request: Request, rules: Rules) -> Seen:
    session, frames, messages = moved.session, moved.placed.frames, request.messages
    arrivals = tuple(a for a in moved.placed.pages if a.page.id not in session.table)
    last = messages[-1].text if messages else ""
    ends = tuple(accumulate(_sizes(messages, session.stripped), initial=0))
    held, at = ends[: _cached(matched, messages) + 1], request.at
    cold = not warm(matched.session, at) or front_changed(matched.session, request)
    return Seen(
        turn=session.turn,
        arrivals=arrivals,
        newest=newest(messages, frames),
        bound=bound_pages(session),
        thinking=may_go(session, cold) if _may_think_less(rules, request) else None,
        cold=cold,
        hold=session.held or ("client compaction" if asks_for_summary(last) else None),
        prefix=prefix(session, held, at, rules.multiples, rules.prices),
        window=window_of(request, ends[-1], session.model, rules.prices),
        births=_births(rules.births, request, session.birth),
        text=text_of(frames, request),
        folds=foldings(session) if rules.evicts else (),
        folded=beyond(session),
    )


def _may_think_less(rules: Rules, request: Request) -> bool:
    return request.format.leaves_out_thinking and not rules.keep_thinking


def _sizes(messages: Sequence[Message], stripped: int) -> Iterator[int]:
    """Yield the bytes of each message, without the thinking that is not sent."""
    for position, message in enumerate(messages):
        yield message.size - (message.thought if position < stripped else 0)


def _births(births: Births, request: Request, birth: Birth | None) -> Births:
    """Return what may go out shorter in this request.

    Where the provider itself takes away what stands further up, nothing may refer to it.
    """
    if may_clear(request, birth):
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
        watch=advanced.watch,
        requests=session.requests + 1,
        last_at=request.at,
        ttl=ttl_of(request.head, request.messages),
        front=fronts(session, request),
        head=request.head,
        bytes=len(request.outline.body),
        texts=session.texts if _texts_hold(advanced) else None,
    )
    if advanced.given_up is not None:
        session = replace(session, stripped=advanced.given_up.upto)
    if advanced.flushed is None:
        return session
    folds = carried_out(session.folds, advanced.folds, session.turn)
    session = replace(session, folds=folds)
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
    rules: Rules,
) -> TurnFacts:
    before = matched.session  # who only observes breaks a cache by giving edits up, if at all
    arrived = [a.page.id for a in moved.placed.pages if a.page.id not in before.table]
    faulted = [page for page in arrived if session.table[page].faults]
    return TurnFacts(
        only_refetched=bool(arrived) and len(faulted) == len(arrived),
        flushed=advanced.flushed is not None if rules.edit else before.keeps,
        warm=warm(before, request.at),
        client_broke=matched.how in ("edited", "compacted")
        or front_changed(before, request)
        or begins_as_fork(before),
        one_hour=session.ttl == CACHE_TTLS["1h"],
        free_writes=writes_free(session.model, request.at, rules.prices, session.provider),
    )
