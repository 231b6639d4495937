"""One request and its reply, as long as they are in flight: what came, and what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from pichay_core.birth.front import Front, offers
from pichay_core.identity import Identity
from pichay_core.ledger import TurnFacts
from pichay_core.model import SessionId
from pichay_core.request import Request
from pichay_core.session import Session
from pichay_core.turn import Rules, Turn
from pichay_core.wire.report import Reader
from pichay_proxy.routes import Route


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request as it came in."""

    route: Route
    host: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """As on the wire, perhaps encoded."""
    at: float
    started: int
    """``time.perf_counter_ns`` when the hook was called."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a request came with: another one may be made in its place, to answer the model."""

    arrived: Arrived
    identity: Identity
    credential: str
    """Kind of credential."""
    rules: Rules
    request: Request
    leg: int = 0
    """How many were made in its place before."""


@dataclass(slots=True)
class Exchange:
    """What must be remembered between a request and the end of its reply."""

    identity: str
    session: SessionId
    request: int
    """None has the number -1."""
    facts: TurnFacts
    client_body: bytes | None
    """The client's own bytes as they came, if others were sent."""
    client_encoding: str | None
    """The content encoding they came in."""
    host: str = ""
    clears: bool = False
    """The provider was asked to clear old tool results, and not by the client."""
    betas: tuple[str, ...] = ()
    """Features that were asked for beside the client's own."""
    carried: Carried | None = None
    """None where its reply is none of ours to answer."""
    offered: frozenset[str] = frozenset()
    """Tools of ours that the model may call in its reply."""
    nonce: str = ""
    """What tags in its text bear; empty if it was told of none."""
    asked: int = 0
    """Calls to tools of ours in its reply."""
    reader: Reader | None = None
    settled: bool = False

    @property
    def cooperates(self) -> bool:
        """True if its reply may ask something of us."""
        return bool(self.offered or self.nonce)

    @property
    def edited(self) -> bool:
        """True if upstream got other bytes than the client sent."""
        return self.client_body is not None


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a request. ``body`` is None where the client's bytes go on."""

    body: bytes | None = None
    betas: tuple[str, ...] = ()
    """Features to ask for in its headers, beside those that the client asks for."""
    exchange: Exchange | None = None


AS_IT_CAME = Decision()


def decision(carried: Carried, turn: Turn) -> Decision:
    """Return what becomes of a request after its turn."""
    arrived, request = carried.arrived, carried.request
    changed = turn.body is not request.client_body
    exchange = Exchange(
        identity=turn.session.identity,
        session=SessionId(turn.session.id),
        request=turn.session.requests,
        facts=turn.facts,
        client_body=arrived.body if changed else None,
        client_encoding=arrived.headers.get("content-encoding"),
        host=arrived.host,
        clears=turn.front.clears,
        betas=missing(request, turn.front),
        carried=carried,
        offered=frozenset(offers(request, turn.session.birth)) if changed else frozenset(),
        nonce=birth.nonce if changed and (birth := turn.session.birth) else "",
    )
    return Decision(turn.body if changed else None, exchange.betas, exchange)


def unanswered(carried: Carried, session: Session) -> Exchange:
    """Return what is remembered of a request whose reply is neither settled nor answered.

    It may ask something of us all the same: its client is not to see that.
    """
    return Exchange(
        identity=carried.identity.name,
        session=session.id,
        request=-1,
        facts=TurnFacts(),
        client_body=None,
        client_encoding=None,
        carried=carried,
        offered=frozenset(offers(carried.request, session.birth)),
        nonce=session.birth.nonce if session.birth else "",
        settled=True,
    )


def missing(request: Request, front: Front) -> tuple[str, ...]:
    """Return the features that a front needs and the client has not asked for."""
    return tuple(beta for beta in front.betas if beta not in request.betas)
