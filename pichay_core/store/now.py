"""One session as it stands now: its windows, what stands in the last one, what of it is in use.

Rule of this file: every question goes by an index to the rows of that session, and to few of them.
What a recording does not know, because it was made before there was such a column, is None.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pichay_core.models import context_window
from pichay_core.store.database import Database
from pichay_core.store.scope import Row, Scope, rows
from pichay_core.store.shape import WORKING_TURNS
from pichay_core.thrash import WINDOW

SEEN = 400
"""Requests that are looked at, the last ones: no screen has more columns."""
KINDS = ("front", "talk", "thought", "read", "query", "run", "write", "stub")
"""What a window is made of, in the order in which it is told."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One billed request, in tokens as the provider billed them."""

    turn: int
    request: int
    window: int
    cached: int
    """Of the window, read from the prompt cache."""
    untouched: int
    """The window that it would have been, estimated."""
    untouched_cached: int
    flushed: bool
    broken: bool
    """Less was read from the cache than it held."""

    @property
    def hit(self) -> float:
        """The share of the window that was read from the cache."""
        return self.cached / self.window if self.window else 0.0


@dataclass(frozen=True, slots=True)
class Held:
    """What stood in the window of the last request, estimated tokens."""

    kinds: Mapping[str, int]
    """By kind, in order; what there is none of is left out."""
    pinned: int
    working: int
    """W(t, 16): what was used in the last sixteen turns, in the window or not."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One session. Tokens of pages are estimated."""

    session: str
    kind: str
    model: str
    turn: int
    sent: tuple[Sent, ...] = ()
    limit: int | None = None
    """What the model can take in and give out, in tokens; None if nobody knows."""
    held: Held | None = None
    resident: int = 0
    """Of the pages that are in the window."""
    unused: int = 0
    """Of these, outside of the working set: not used for sixteen turns."""
    pins: int = 0
    moved: int = 0
    """Pages that were moved out in the last sixteen turns."""
    refetched: int = 0
    """Refetches in these turns."""

    @property
    def fill(self) -> float | None:
        """The share of the limit that the last window took; None if either is not known."""
        return self.sent[-1].window / self.limit if self.sent and self.limit else None


def standing(db: Database, session: str) -> Standing | None:
    """Return what is to be seen of a session; None if there is none of that name."""
    scope = Scope(session)
    found = rows(db, "select kind, model, turn from sessions where id = :session", scope)
    if not found:
        return None
    of, sent = found[0], _sent(db, scope)
    last = _last(db, scope)
    (pages,) = rows(db, _PAGES, scope, unused=of["turn"] - WORKING_TURNS)
    moved, refetched = _moved(db, scope, sent)
    return Standing(
        session=session,
        kind=of["kind"],
        model=of["model"],
        turn=of["turn"],
        sent=sent,
        limit=last.get("window_limit") or context_window(of["model"]),
        held=_held(last),
        resident=int(pages["resident"]),
        unused=int(pages["unused"]),
        pins=pages["pins"] or 0,
        moved=moved,
        refetched=refetched,
    )


def names_of(db: Database, pages: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return what a reader knows pages by, each named by its session and its id."""
    return tuple(_name(db, session, page) for session, page in pages)


def _name(db: Database, session: str, page: str) -> str:
    sql = "select tool, label from pages where session = :session and id = :page"
    found = rows(db, sql, Scope(session), page=page)
    return f"{found[0]['tool']} {found[0]['label']}".strip() if found else page


def _sent(db: Database, scope: Scope) -> tuple[Sent, ...]:
    found = rows(db, _SENT, scope, limit=SEEN)
    return tuple(
        Sent(
            turn=row["turn"],
            request=row["request"],
            window=row["window"],
            cached=row["cached"],
            untouched=row["untouched"] or 0,
            untouched_cached=row["untouched_cached"] or 0,
            flushed=row["flushed"] is not None,
            broken=bool(row["broken"]),
        )
        for row in reversed(found)
    )


def _last(db: Database, scope: Scope) -> Row:
    """Return the last request that was looked into."""
    if "front_tokens" not in db["turns"].columns_dict:
        return {}
    sql = "select * from turns where session = :session and front_tokens is not null"
    found = rows(db, f"{sql} order by request desc limit 1", scope)
    return found[0] if found else {}


def _held(last: Row) -> Held | None:
    if not last:
        return None
    kinds = {kind: last[f"{kind}_tokens"] or 0 for kind in KINDS}
    return Held(
        {kind: tokens for kind, tokens in kinds.items() if tokens > 0},
        last["pinned_tokens"] or 0,
        last["working_tokens"] or 0,
    )


def _moved(db: Database, scope: Scope, sent: Sequence[Sent]) -> tuple[int, int]:
    """Return the pages moved out, and those refetched, in the last turns."""
    recent = [one.request for one in sent if one.turn > sent[-1].turn - WINDOW]
    if not recent:
        return 0, 0
    (row,) = rows(db, _MOVED, scope, first=recent[0])
    return row["moved"] or 0, row["refetched"] or 0


_SENT = """
    select turn, request, flushed, prefix_broken broken, cache_read_tokens cached,
        input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens window,
        untouched_input_tokens + untouched_cache_read_tokens + untouched_cache_write_tokens
        untouched, untouched_cache_read_tokens untouched_cached
    from turns where session = :session and input_tokens is not null
    order by request desc limit :limit
"""
_PAGES = """
    select total(held) resident, total(case when last_use <= :unused then held end) unused,
        sum(pinned) pins
    from (
        select ifnull(counted_tokens, tokens) held, last_use, pin_strength is not null pinned
        from pages where session = :session and state = 'resident' and not cleared
    )
"""
_MOVED = """
    select sum(kind in ('evicted', 'collected')) moved,
        sum(kind = 'faulted' and why = 'refetch') refetched
    from events where session = :session and request >= :first
"""
