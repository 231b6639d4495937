"""Conversations of which the client sends only what is new: the provider has the rest.

Rule of this file: what stands at the provider cannot be taken out of there. What is new may go out
shorter than it came, once, and is recorded; nothing leaves.
"""

from collections.abc import Iterable
from dataclasses import replace

from pichay_core.session import Match, Session
from pichay_core.turn import Rules


def chained(sessions: Iterable[Session], reply: str) -> Match | None:
    """Return the session that a request goes on from by the id of a reply, None if none does.

    Nothing of what was before stands in the request.
    """
    session = next((one for one in sessions if one.reply == reply), None)
    if session is None:
        return None
    bare = replace(
        session, messages=(), heard=None, frames={}, texts=None, sent={}, asides=(), retold={}
    )
    return Match(bare, 0, "extends")


def staying(rules: Rules) -> Rules:
    """Return the rules without what would take anything out of the window."""
    return replace(rules, evicts=False)
