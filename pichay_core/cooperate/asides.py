"""What passed between the model and us in its replies: kept, and told again.

The client knows its own conversation, without the calls to our tools and what they were answered.
The model's history must stay as it wrote it: the provider has cached it, and may have bound
thinking to it. So each request is told again as the model knows it, before anything is decided.

Rule of this file: an aside is anchored at the reply that it was part of. Who changes that reply,
or anything before it, makes another history, in which it was never said.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pichay_core.events import Event, Unsaid
from pichay_core.request import Request
from pichay_core.session import Aside, Match, Retold, Session, shared_prefix
from pichay_core.wire import jsontext
from pichay_core.wire.format import Outline
from pichay_core.wire.jsontext import Place
from pichay_core.wire.message import ASSISTANT, Message
from pichay_core.wire.reply import Leg


@dataclass(frozen=True, slots=True)
class Told:
    """A request as the model knows it, and how it relates to its session."""

    matched: Match
    request: Request
    events: tuple[Event, ...] = ()


def told(matched: Match, request: Request) -> Told:
    """Return a client's request as the model knows it.

    What the client has changed, or does not send any more, is forgotten by the session: it stays
    in the recording.
    """
    session = matched.session
    if not session.asides:
        return Told(_model(matched, request), request)
    kept: list[Aside] = []
    found: dict[int, Retold] = {}
    events: list[Event] = []
    for aside in session.asides:
        one = _retold(aside, session, matched, request)
        if isinstance(one, Retold):
            found[aside.at] = one
            kept.append(aside)
        else:
            events.append(Unsaid(aside.at, one))
    changed = replace(matched, session=replace(session, asides=tuple(kept), retold=found))
    model = with_retold(request, found)
    return Told(_model(changed, model), model, tuple(events))


def untold(matched: Match, request: Request) -> Told:
    """Return a client's request as it came, and the session in which nothing else was ever said.

    For one that goes upstream as it came: that is what the provider caches then, and what it binds
    thinking to. What was said to us is forgotten, like all that observing gives up.
    """
    session = matched.session
    events = tuple(Unsaid(aside.at, "the session is only observed") for aside in session.asides)
    changed = replace(matched, session=replace(session, asides=(), retold={}))
    return Told(_model(changed, request), request, events) if events else Told(matched, request)


def _model(matched: Match, request: Request) -> Match:
    """Return the match as it is between what the model knew and what it will know."""
    session, messages = matched.session, request.messages
    if session.own is session.messages and request.own is None:
        return matched
    shared = shared_prefix(session.messages, messages)
    if matched.how not in ("extends", "repeats"):
        return replace(matched, shared=shared)
    if shared < len(session.messages):
        return replace(matched, shared=shared, how="edited")
    return replace(matched, shared=shared, how="extends" if len(messages) > shared else "repeats")


def _retold(aside: Aside, session: Session, matched: Match, request: Request) -> Retold | str:
    """Return an aside in its place, or why it has none.

    A reply that broke off before the client kept anything of it is none that it sends. Where the
    client has sent another reply before, this one may come from a history in which nothing of the
    kind was said: then it must hold something that tells.
    """
    messages, before = request.messages, session.retold.get(aside.at)
    at, known = aside.at, len(session.own)
    if at > matched.shared:
        return "the history before it has changed"
    if at >= len(messages) or messages[at].role != ASSISTANT:
        return "the reply is not sent any more" if at < known else "the reply was never kept"
    after = messages[at + 1] if at + 1 < len(messages) else None
    if before and before.reply is messages[at] and before.after is after and before.aside is aside:
        return before
    other = at == matched.shared < known
    return _told_again(aside, request, messages[at], after, other)


def _told_again(
    aside: Aside, request: Request, reply: Message, after: Message | None, other: bool
) -> Retold | str:
    format, told = request.format, None
    try:
        told = format.retold(reply.raw, after.raw if after else None, aside.legs, sure=other)
    except jsontext.Unreadable:
        return "the reply cannot be read"
    if told is None:
        return "the client changed the reply"
    raws, behind = told
    follows = after if after is None or behind == after.raw else format.read(behind or b"")
    return Retold(aside.at, aside, reply, after, tuple(map(format.read, raws)), follows)


def with_retold(request: Request, retold: Mapping[int, Retold]) -> Request:
    """Return the request with replies as the model wrote them, and our answers behind them."""
    if not retold:
        return request
    instead: dict[int, tuple[Message, ...]] = {}
    for at, one in retold.items():
        instead[at] = one.messages
        if one.follows is not one.after and one.follows is not None:
            instead[at + 1] = (one.follows,)
    return replaced(request, instead)


def replaced(request: Request, instead: Mapping[int, Sequence[Message]]) -> Request:
    """Return the request with other messages at these positions; the rest as it came."""
    outline, messages = request.outline, list[Message]()
    places, edits, shift = list[Place](), list[tuple[Place, bytes]](), 0
    for position, (place, message) in enumerate(
        zip(outline.messages, request.messages, strict=True)
    ):
        new = instead.get(position)
        if new is None:
            places.append(Place(place.start + shift, place.end + shift))
            messages.append(message)
            continue
        text = b",".join(one.raw for one in new)
        edits.append((place, text))
        places += _places(place.start + shift, new)
        messages += new
        shift += len(text) - (place.end - place.start)
    body = jsontext.splice(outline.body, edits)
    return replace(
        request,
        outline=Outline(body, _shifted(outline, edits), places, twice=outline.twice),
        messages=tuple(messages),
        own=request.own if request.own is not None else request.messages,
        came=request.client_body,
    )


def _places(start: int, messages: Iterable[Message]) -> list[Place]:
    """Say where messages stand that are joined by commas."""
    found: list[Place] = []
    for message in messages:
        found.append(Place(start, start + len(message.raw)))
        start = found[-1].end + 1
    return found


def _shifted(outline: Outline, edits: Sequence[tuple[Place, bytes]]) -> dict[str, Place]:
    """Say where the top-level values stand after edits inside of the messages."""
    grown = sum(len(new) - (place.end - place.start) for place, new in edits)
    first = min((place.start for place, _ in edits), default=len(outline.body))
    return {
        name: Place(
            place.start + (grown if place.start > first else 0),
            place.end + (grown if place.end > first else 0),
        )
        for name, place in outline.fields.items()
    }


def extended(request: Request, leg: Leg) -> Request:
    """Return the request with a reply and our answers at the end of its messages."""
    new = tuple(map(request.format.read, request.format.spoken(leg)))
    last = len(request.messages) - 1
    return replaced(request, {last: (request.messages[last], *new)})


def aside_after(session: Session, at: int, leg: Leg) -> Session:
    """Return the session with one leg more in the aside of the client's message *at*."""
    old = next((aside for aside in session.asides if aside.at == at), Aside(at, ()))
    new = Aside(at, (*old.legs, leg))
    return replace(session, asides=(*(a for a in session.asides if a is not old), new))
