"""What the provider itself took out of the window: because we asked it to, or the client.

Rule of this file: a reply says what is missing from its own request, all of it. What is new is
told once; what is known already is only carried on. Pure.
"""

from dataclasses import dataclass, replace

from pichay_core.events import Cleared, Warned
from pichay_core.ledger import TurnFacts
from pichay_core.session import Session
from pichay_core.wire.report import Report, Taken

OURS, THE_CLIENTS = "asked by us", "asked by the client"
SLIDES = Warned(
    "cleared anew with every request",
    "the provider breaks its own cache each time, so it is not asked to clear any more",
)
_REFUSED = ("context_management", "context-management", "clear_tool_uses", "anthropic-beta")


@dataclass(frozen=True, slots=True)
class Clearing:
    """What a reply said of it, and what follows from that."""

    facts: TurnFacts
    tokens: int = 0
    """Missing from the request because we asked for it."""
    taken: Taken | None = None
    """All that is missing, None if nothing was said of it."""
    event: Cleared | None = None
    slides: bool = False
    """Less was cleared than we said is worth it: so it is cleared again and again."""

    def after(self, session: Session) -> Session:
        """Return a session that knows of it."""
        birth, taken = session.birth, self.taken
        if self.slides and birth is not None:
            session = replace(session, birth=replace(birth, clears=0))
        if taken is None or taken == _known(session):
            return session
        return replace(session, cleared_pages=taken.pages, cleared_tokens=taken.tokens)


def clearing(
    session: Session | None, facts: TurnFacts, report: Report | None, asked: bool
) -> Clearing:
    """Return what follows from a reply; *asked* if it was we who asked the provider to clear.

    Text that went since the last request, or came back, has been written to the cache anew: that
    is our doing if we asked for it, or if we ask no more, else the client's.
    """
    before = _known(session) if session else Taken(0, 0)
    taken = report.cleared if report else None
    if taken is None or session is None:
        tokens = (taken or before).tokens
        return Clearing(facts, tokens if asked else 0)
    tokens, more = taken.tokens if asked else 0, taken.tokens - before.tokens
    if more == 0:
        return Clearing(facts, tokens, taken)
    ours = asked or more < 0
    facts = replace(facts, flushed=True) if ours else replace(facts, client_broke=True)
    worth_it = session.birth.clears if session.birth else 0
    slides = asked and before.tokens > 0 and 0 < more < worth_it / 2
    return Clearing(facts, tokens, taken, _event(before, taken, asked), slides)


def _known(session: Session) -> Taken:
    return Taken(session.cleared_pages, session.cleared_tokens)


def _event(before: Taken, taken: Taken, asked: bool) -> Cleared | None:
    """Say what came to it since; None if nothing did."""
    if taken.tokens <= before.tokens:
        return None
    pages = max(0, taken.pages - before.pages)
    return Cleared(OURS if asked else THE_CLIENTS, pages, taken.tokens - before.tokens)


def refused_asking(why: str) -> bool:
    """True if a provider's refusal is about its being asked to clear."""
    return any(word in why.lower() for word in _REFUSED)
