"""Sessions and events as rows, and rows as sessions: the only place that knows both.

A session that is written and read again is the same value, apart from the client's own text,
which the client sends again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import msgspec

from pichay_core.birth.choice import birth_of
from pichay_core.cooperate.fold import as_text as folds_as_text
from pichay_core.cooperate.fold import folds_of
from pichay_core.cooperate.zones import NO_NOTES, notes_of
from pichay_core.events import Event
from pichay_core.ledger import Ledger
from pichay_core.model import (
    PageId,
    SessionId,
)  # fmt: skip
from pichay_core.models import binds_thinking
from pichay_core.session import Aside, Session
from pichay_core.store.pagerows import Row, entry_of
from pichay_core.table import PageTable
from pichay_core.thrash import NOTHING_SEEN, watch_of
from pichay_core.wire.message import Message
from pichay_core.wire.reply import Leg, Part


def session_row(session: Session, credential: str, source: str, started_at: float) -> Row:
    """Return the row of table ``sessions``."""
    return {
        "id": session.id,
        "identity": session.identity,
        "shape": session.shape,
        "secret": session.secret,
        "kind": session.kind,
        "parent": session.parent,
        "model": session.model,
        "credential": credential,
        "source": source,
        "started_at": started_at,
        "last_at": session.last_at,
        "turn": session.turn,
        "requests": session.requests,
        "ttl": session.ttl,
        "flushed": session.flushed,
        "boundary": session.boundary,
        "previous": session.previous,
        "front": session.front,
        "edited": session.edited,
        "binds": session.binds,
        "client": session.client,
        "wire": session.wire,
        "provider": session.provider,
        "project": session.project,
        "birth": session.birth and session.birth.as_text(),
        "mode": session.mode,
        "cleared_pages": session.cleared_pages,
        "cleared_tokens": session.cleared_tokens,
        "failures": session.failures,
        "frozen": session.frozen,
        "held": session.held,
        "stripped": session.stripped,
        "folds": folds_as_text(session.folds) or None,
        "watch": None if session.watch == NOTHING_SEEN else session.watch.as_text(),
        "notes": None if session.notes == NO_NOTES else session.notes.as_text(),
        "warned": "\n".join(sorted(session.warned)),
        "cached": session.ledger.cached,
        "untouched_cached": session.ledger.untouched_cached,
    }


def aside_rows(session: Session, old: Mapping[int, tuple[Leg, ...]]) -> Iterator[Row]:
    """Yield the rows of table ``asides`` for what is not among the *old* legs."""
    for aside in session.asides:
        known = old.get(aside.at, ())
        if aside.legs[: len(known)] != known:
            known = ()
        for position in range(len(known), len(aside.legs)):
            yield _aside_row(session.id, aside.at, position, aside.legs[position])


def _aside_row(session: SessionId, at: int, position: int, leg: Leg) -> Row:
    parts = [[msgspec.Raw(part.raw), part.shown, part.altered] for part in leg.parts]
    return {
        "session": session,
        "at": at,
        "leg": position,
        "reply": msgspec.json.encode(parts).decode(),
        "results": msgspec.json.encode([msgspec.Raw(one) for one in leg.answers]).decode(),
        "goes_on": leg.goes_on,
        "sent": True,
    }


def _asides(found: Iterable[Row]) -> tuple[Aside, ...]:
    legs: dict[int, list[Leg]] = {}
    for row in found:
        legs.setdefault(row["at"], []).append(_leg(row))
    return tuple(Aside(at, tuple(said)) for at, said in sorted(legs.items()))


def _leg(row: Mapping[str, Any]) -> Leg:
    parts = msgspec.json.decode(row["reply"], type=list[tuple[msgspec.Raw, str | None, bool]])
    answers = msgspec.json.decode(row["results"], type=list[msgspec.Raw])
    return Leg(
        parts=tuple(Part(bytes(raw), shown, altered) for raw, shown, altered in parts),
        answers=tuple(map(bytes, answers)),
        goes_on=bool(row["goes_on"]),
    )


class Recorded(NamedTuple):
    """What is kept of a session beside its own row."""

    pages: Iterable[Row]
    digests: Iterable[bytes]
    """Of its messages as the model knows them."""
    heard: Sequence[bytes] = ()
    """Of those of the client, where they are others."""
    asides: Iterable[Row] = ()


def session_of(row: Mapping[str, Any], kept: Recorded) -> Session:
    """Return the session as it stood, its messages known by their hashes only."""
    entries = map(entry_of, kept.pages)
    return Session(
        id=SessionId(row["id"]),
        identity=row["identity"],
        shape=row["shape"],
        secret=row["secret"],
        kind=row["kind"],
        parent=row["parent"] and SessionId(row["parent"]),
        model=row["model"],
        binds=_binds(row),
        edited=bool(row.get("edited")),
        client=row.get("client") or "",
        wire=row.get("wire") or "",
        provider=row.get("provider") or "",
        project=row.get("project") or "",
        birth=birth_of(row["birth"]) if row.get("birth") else None,
        mode=row.get("mode") or "",
        cleared_pages=row.get("cleared_pages") or 0,
        cleared_tokens=row.get("cleared_tokens") or 0,
        messages=tuple(Message(b"", digest, "") for digest in kept.digests),
        heard=tuple(Message(b"", digest, "") for digest in kept.heard) or None,
        asides=_asides(kept.asides),
        placed=False,
        table=PageTable().with_entries(entries),
        turn=row["turn"],
        requests=row["requests"],
        last_at=row["last_at"],
        ttl=row["ttl"],
        flushed=row["flushed"],
        boundary=row["boundary"] and PageId(row["boundary"]),
        previous=row["previous"] and PageId(row["previous"]),
        front=row["front"],
        failures=row["failures"],
        frozen=row["frozen"],
        held=row.get("held"),
        stripped=row.get("stripped") or 0,
        folds=folds_of(row.get("folds")),
        watch=watch_of(row.get("watch")),
        notes=notes_of(row["notes"]) if row.get("notes") else NO_NOTES,
        warned=frozenset(row["warned"].splitlines()),
        ledger=Ledger(row["cached"], row["untouched_cached"]),
    )


def _binds(row: Mapping[str, Any]) -> bool:
    """True if a model binds the session's thinking; of old rows its latest models say so."""
    if (recorded := row.get("binds")) is not None:
        return bool(recorded)
    return any(map(binds_thinking, [row["model"], *_models(row["front"])]))


def _models(fronts: str) -> list[str]:
    """Return the models of the last fronts: hash, a stroke and the model, with blanks between."""
    return [front.partition("/")[2] for front in fronts.split()]


_COLUMNS = {"page", "tokens", "why", "kind"}


def event_row(
    event: Event, at: float, session: SessionId | None, request: int | None, turn: int | None
) -> Row:
    """Return the row of table ``events``. What has no column of its own goes into ``detail``."""
    facts = asdict(event)
    why = facts.get("kind") or facts.get("why")
    rest = {name: fact for name, fact in facts.items() if name not in _COLUMNS}
    return {
        "session": session,
        "request": request,
        "turn": turn,
        "at": at,
        "kind": type(event).__name__.lower(),
        "page": facts.get("page"),
        "tokens": facts.get("tokens"),
        "why": why,
        "detail": msgspec.json.encode(rest).decode(),
    }
