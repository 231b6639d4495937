"""What the provider still holds of a session, as far as that can be known without asking.

Rule of this file: pure. Time is that of the request.
"""

from collections.abc import Sequence

from pichay_core.cacheprice import CacheMultipliers, cache_multipliers
from pichay_core.folding import standing
from pichay_core.models import cache_seconds
from pichay_core.pager import Prefix
from pichay_core.prices import NOTHING, Prices
from pichay_core.request import Request
from pichay_core.session import Session
from pichay_core.tokens import tokens_of_bytes
from pichay_core.wire.format import Head
from pichay_core.wire.message import Message

COLD_MARGIN = 30.0
"""Seconds past the time to live before a cache is taken for cold."""
FRONTS = 4
"""Beginnings of a request (tools, prompt, model) that are remembered as cached."""
CACHE_TTLS = {"5m": 300, "1h": 3600}


def prefix(
    session: Session,
    ends: Sequence[int],
    at: float,
    multiples: CacheMultipliers | None,
    prices: Prices = NOTHING,
) -> Prefix:
    """Return what the provider holds of the messages that were sent before.

    ``ends`` are the bytes up to each of them, from nought on.
    """
    last = session.frames.get(session.boundary) if session.boundary else None
    anchor = max([last.message if last else 0, *(fold.until for fold in standing(session))])
    behind = ends[-1] - ends[min(anchor, len(ends) - 1)]
    hour = session.ttl == CACHE_TTLS["1h"]
    times = multiples or cache_multipliers(session.model, at, hour, prices, session.provider)
    return Prefix(
        write=times.write,
        read=times.read,
        tokens=tokens_of_bytes(ends[-1], session.model),
        behind=tokens_of_bytes(behind, session.model),
        anchor=anchor,
        frames=session.frames,
    )


def warm(before: Session, at: float) -> bool:
    """True unless the cache has expired by the clock. Before the first request nobody knows."""
    return before.last_at == 0 or at - before.last_at <= before.ttl + COLD_MARGIN


def begins_as_fork(before: Session) -> bool:
    """True if the client returns to a history that it had left: others were cached since."""
    return before.requests == 0 and before.parent is not None


def front_changed(before: Session, request: Request) -> bool:
    """True if the client itself broke the whole prefix: other tools, prompt or model.

    A front that was seen lately is still cached: a call with fewer tools may share a history.
    """
    return bool(before.front) and front(request, before) not in before.front.split()


def served(before: Session, request: Request) -> bool:
    """True if the model of the request has been asked lately: others share no cache with it.

    Unlike :func:`front_changed`, it holds where a client adds tools that the provider keeps out
    of the prefix.
    """
    model = front(request, before).partition("/")[2]
    return model in (seen.partition("/")[2] for seen in before.front.split())


def front(request: Request, session: Session) -> str:
    """Return what stands before the messages of this request, as a hash and the model."""
    model = request.head.model or session.model
    return f"{request.head.front}/{model.replace(' ', '_')}"


def fronts(session: Session, request: Request) -> str:
    """Return the fronts seen lately, the newest first."""
    newest = front(request, session)
    others = [front for front in session.front.split() if front != newest]
    return " ".join([newest, *others][:FRONTS])


def ttl_of(head: Head, messages: Sequence[Message]) -> int:
    """Return how many seconds the provider keeps this request; what its longest mark says."""
    own = (ttl for message in messages for _, ttl in message.marks)
    marks = (*head.ttls, *own, *((head.automatic,) if head.automatic else ()))
    return max((CACHE_TTLS[mark] for mark in marks), default=cache_seconds(head.model))
