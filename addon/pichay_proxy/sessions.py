"""Live sessions: which one a request continues, and what becomes of the others.

Rule of this file: the only mutable state of paging lives here. A session itself is a value;
a turn is committed by putting the new value in place of the old one.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from pichay_core.identity import Identity
from pichay_core.model import SessionId
from pichay_core.session import Match, Session, match, shared_prefix
from pichay_core.wire.message import Message

MOST_GROUPS = 256
MOST_BYTES = 512 * 1024 * 1024
"""Bytes of conversation text kept in memory; the least recently used sessions go first."""
MOST_PARKED = 4
"""Earlier histories kept per conversation, in case the client returns to one."""
MOST_SESSIONS = 64
"""Sessions kept per identity: a prompt that is sent again and again begins ever new ones."""

type Load = Callable[[str], list[Session]]


@dataclass(slots=True)
class Group:
    """The sessions of one identity: the conversation, its side calls, its forks."""

    sessions: dict[SessionId, Session] = field(default_factory=dict[SessionId, Session])
    parked: list[Session] = field(default_factory=list[Session])
    """Histories that a session has left (a rewind); a fork if the client returns to one."""

    def texts(self) -> int:
        """Return about how many bytes of conversation it holds."""
        return sum(session.bytes for session in (*self.sessions.values(), *self.parked))


class LiveSessions:
    """Every session this process knows, within bounds."""

    def __init__(self, load: Load = lambda _: []) -> None:
        """``load`` returns what is recorded of an identity, for sessions not known here."""
        self._load = load
        self._groups: OrderedDict[str, Group] = OrderedDict()
        self._bytes: dict[str, int] = {}

    def __iter__(self) -> Iterator[Session]:
        """Yield the live sessions, the latest used first."""
        for group in reversed(self._groups.values()):
            yield from reversed(group.sessions.values())

    def likely(self, wire: str) -> list[tuple[Message, ...]]:
        """Return the conversations that a request of this wire format may continue.

        The same bytes may say another thing on another wire.
        """
        return [session.own for session in self if session.wire in ("", wire)]

    def find(self, identity: Identity, messages: tuple[Message, ...], shape: str) -> Match | None:
        """Return the session that a request continues, None if none does. Changes nothing."""
        group = self._group(identity.name)
        candidates = [*group.sessions.values(), *group.parked]
        return match(candidates, messages, shape, identity.source != "content")

    def begin(self, identity: Identity, shape: str, tools: bool) -> Session:
        """Return a new session; it is live once it is committed."""
        others = self._group(identity.name).sessions.values()
        known = any(session.kind not in PASSING for session in others)
        kind = _kind(identity, known, tools)
        return Session(_new_id(), identity.name, shape, secrets.token_bytes(16), kind=kind)

    def forked(self, matched: Match) -> Match:
        """Return the match with a session of its own if it returns to a history that was left."""
        session = matched.session
        current = self.get(session.identity, session.id)
        if current is session:
            return matched
        watch = session.watch.broken_off(session.turn)
        fork = replace(
            session, id=_new_id(), parent=session.id, kind="fork", requests=0, watch=watch
        )
        if current is not None:
            fork = replace(
                fork, frozen=fork.frozen or current.frozen, held=fork.held or current.held
            )
        return replace(matched, session=fork)

    def commit(self, matched: Match, after: Session) -> None:
        """Put the session after a turn in place of the one before it."""
        group = self._group(after.identity)
        before = group.sessions.pop(after.id, None)
        group.sessions[after.id] = after
        if before is not None and before.placed and _was_left(before, after):
            group.parked = [*group.parked, before][-MOST_PARKED:]
        elif matched.session.parent is not None and before is None:
            group.parked = [p for p in group.parked if p.messages is not matched.session.messages]
        _thin(group)
        self._forget(after.identity)

    def replace(self, session: Session) -> None:
        """Put a changed session (frozen, say) in place of the live one with its id."""
        group = self._groups.get(session.identity)
        if group is not None and session.id in group.sessions:
            group.sessions[session.id] = session

    def get(self, identity: str, session: SessionId) -> Session | None:
        """Return a live session by its id."""
        group = self._groups.get(identity)
        return group.sessions.get(session) if group else None

    def _group(self, name: str) -> Group:
        if name not in self._groups:
            loaded = self._load(name)
            self._groups[name] = Group({s.id: s for s in reversed(loaded)})
            self._forget(name)
        self._groups.move_to_end(name)
        return self._groups[name]

    def _forget(self, name: str) -> None:
        """Forget the least recently used conversations above the bounds; they are recorded."""
        self._bytes[name] = self._groups[name].texts()
        while len(self._groups) > MOST_GROUPS or sum(self._bytes.values()) > MOST_BYTES:
            oldest = next(iter(self._groups))
            if oldest == name:
                return
            del self._groups[oldest]
            self._bytes.pop(oldest, None)


def _was_left(before: Session, after: Session) -> bool:
    """True if the client has left its history. Who asks again has not, whatever the model knew."""
    return shared_prefix(before.own, after.own) < len(before.own)


def _thin(group: Group) -> None:
    """Forget sessions above the bound, the least recently used; conversations last."""
    while len(group.sessions) > MOST_SESSIONS:
        oldest_first = list(group.sessions.values())[:-1]
        least = next((s for s in oldest_first if s.kind in PASSING), oldest_first[0])
        del group.sessions[least.id]


PASSING = ("side", "subagent")


def _kind(identity: Identity, known: bool, tools: bool) -> str:
    """Say what a new session beside others of its identity is.

    Under an id that the client gave, another prompt with tools is a subagent; without one, it
    is another conversation that happens to begin alike.
    """
    named = identity.source != "content"
    if identity.subagent or (named and known and tools):
        return "subagent"
    return "side" if not tools and (known or named) else "main"


def _new_id() -> SessionId:
    """Return a new id: sorts by time, and does not collide."""
    return SessionId(f"{int(time.time()):08x}{secrets.token_hex(3)}")
