"""What the thinking of a session keeps in its window, and what of that thinking may go.

Rule of this file: only thinking that is sent counts: none that was given up, or that is folded.
"""

from pichay_core.folding import folded
from pichay_core.model import PageId
from pichay_core.models import binds_thinking
from pichay_core.session import Session
from pichay_core.thinking import Thinking, may_be_given_up
from pichay_core.tokens import tokens_of_bytes
from pichay_core.transcript import before_thinking


def bound_pages(session: Session) -> frozenset[PageId]:
    """Return the pages that later thinking is bound to."""
    if not session.binds:
        return frozenset()
    hidden = folded(session)
    return before_thinking(session.messages, session.frames, session.stripped, hidden)


def may_go(session: Session, cold: bool) -> Thinking | None:
    """Return the thinking that may go so that pages can, None if it stays.

    Another model may be asked than the one that binds it: then the pages wait for that one.
    """
    if not binds_thinking(session.model):
        return None

    def tokens_of(size: int) -> int:
        return tokens_of_bytes(size, session.model)

    hidden = folded(session)
    return may_be_given_up(session.messages, session.stripped, cold, tokens_of, hidden)
