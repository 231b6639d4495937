"""The story of one session, and of one page.

Rule of this file: rows in the order in which things happened, to be read without the tables.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pichay_core.store.database import Database
from pichay_core.store.figures import Tokens
from pichay_core.store.schema import has_flushes
from pichay_core.store.scope import Row, Scope, rows, where


@dataclass(frozen=True, slots=True)
class TurnStory:
    """One request. Tokens and dollars are None until its reply has ended."""

    request: int
    turn: int
    at: float
    outcome: str
    why: str | None
    status: int | None
    removed_tokens: int
    thinking_tokens: int
    """That it was sent without, so that pages could leave."""
    cleared_tokens: int
    """Missing because the provider cleared them, and we had asked it to."""
    pending_tokens: int
    flushed: str | None
    held_tokens: int
    held_why: str | None
    prefix_broken: bool
    actual: Tokens | None
    untouched: Tokens | None
    dollars: float | None
    untouched_dollars: float | None
    leg: int = 0
    """0 for the client's own request, n for the n-th that we made in its place."""
    asked: int = 0
    """Calls to our tools in the reply."""


@dataclass(frozen=True, slots=True)
class FlushStory:
    """One flush: what was expected of it, and what it has brought over its requests.

    Amounts in tokens, but for ``tokens``, are as many tokens of plain input as cost the same.
    """

    turn: int
    request: int
    at: float
    why: str
    pages: int
    pages_out: int
    """Of its pages that are still out; with none left it brings nothing any more."""
    tokens: int
    """That left the window."""
    predicted_saving_tokens: int
    """By each request."""
    predicted_rewrite_tokens: int
    """Once."""
    paid_tokens: int
    """For keeping the pages until then."""
    requests: int
    saved_tokens: float
    rewritten_tokens: float
    faulted_tokens: float
    saved_dollars: float | None
    """None as long as no request of a known price has been billed, like the next two."""
    rewritten_dollars: float | None
    faulted_dollars: float | None
    paid_back: int | None
    """After so many requests, None if it is a loss so far."""

    @property
    def pays_after(self) -> int | None:
        """Requests after which it was expected to have paid for itself; None for never."""
        if self.predicted_saving_tokens <= 0:
            return None
        return max(1, -(-self.predicted_rewrite_tokens // self.predicted_saving_tokens))

    @property
    def net_tokens(self) -> float:
        """What it has saved; negative is a loss."""
        return self.saved_tokens - self.rewritten_tokens - self.faulted_tokens

    @property
    def net_dollars(self) -> float | None:
        """What it has saved; negative is a loss."""
        if self.saved_dollars is None:
            return None
        return self.saved_dollars - (self.rewritten_dollars or 0) - (self.faulted_dollars or 0)


@dataclass(frozen=True, slots=True)
class EventStory:
    """One event. ``page`` is what a reader knows the page by, None if there is none."""

    id: int
    session: str | None
    request: int | None
    turn: int | None
    at: float
    kind: str
    why: str | None
    tokens: int | None
    detail: Mapping[str, Any]
    page: str | None
    """The call that brought it: tool and label; its id if no such page is recorded."""
    handle: str | None


@dataclass(frozen=True, slots=True)
class PageStory:
    """One page: where it is now and how it came there. Clocks are turns."""

    session: str
    id: str
    handle: str
    tool: str
    label: str
    kind: str
    digest: str
    bytes: int
    lines: int
    tokens: int
    state: str
    stale: bool
    born: int
    last_use: int
    uses: int
    faults: int
    moved: int | None
    pin_strength: float | None
    pin_since: int | None
    kept: bool
    """Its content is in the recording."""


def matching(db: Database, text: str) -> tuple[str, ...]:
    """Return the sessions that *text* names: that very one, else those it is a beginning of."""
    found = rows(
        db,
        "select id from sessions where substr(id, 1, length(:text)) = :text order by last_at desc",
        text=text,
    )
    names = tuple(row["id"] for row in found)
    return (text,) if text in names else names


def newest(db: Database) -> str | None:
    """Return the main conversation seen last; if there is none, the session seen last."""
    found = rows(
        db, "select id from sessions order by kind = 'main' desc, last_at desc, id limit 1"
    )
    return found[0]["id"] if found else None


def turns(db: Database, session: str) -> tuple[TurnStory, ...]:
    """Return the requests of one session, in order."""
    known = db["turns"].columns_dict
    columns = ", ".join((*_TURN, *(name for name in _NEWER if name in known)))
    sql = f"select {columns} from turns where session = :session order by request"
    return tuple(_turn(row) for row in rows(db, sql, Scope(session)))


def flushes(db: Database, session: str) -> tuple[FlushStory, ...]:
    """Return the flushes of one session, in order; none from a recording of version 0.1."""
    if not has_flushes(db):
        return ()
    found = rows(db, _FLUSHES, Scope(session))
    return tuple(FlushStory(**{name: row[name] for name in FlushStory.__slots__}) for row in found)


def events(db: Database, session: str, page: str | None = None) -> tuple[EventStory, ...]:
    """Return the events of one session, or of one page of it, in order."""
    of_page = "" if page is None else "events.page = :page"
    clause = where(Scope(session), "events.session", also=of_page)
    return events_where(db, clause, Scope(session), page=page)


def events_where(
    db: Database, clause: str, scope: Scope, **values: object
) -> tuple[EventStory, ...]:
    """Return in order the events that a clause of SQL keeps."""
    found = rows(db, f"{_EVENTS} {clause} order by events.id", scope, **values)
    return tuple(_event(row) for row in found)


def pages(db: Database, handle: str) -> tuple[PageStory, ...]:
    """Return the pages that were given this handle; the session seen last comes first.

    A fork has the handles of the session that it came from.
    """
    found = rows(db, _PAGES, handle=handle.upper())
    return tuple(_page(row) for row in found)


def content(db: Database, digest: str) -> bytes | None:
    """Return the text of a page as it was kept, UTF-8; None if it was not."""
    # Here, as a story is told without texts.
    import zstandard

    found = rows(db, "select zstd from contents where digest = :digest", digest=digest)
    return (
        zstandard.ZstdDecompressor().decompressobj().decompress(found[0]["zstd"]) if found else None
    )


_BILL = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
         "output_tokens", "untouched_input_tokens", "untouched_cache_read_tokens",
         "untouched_cache_write_tokens", "untouched_output_tokens")  # fmt: skip
_NEWER = ("thinking_tokens", "cleared_tokens", "leg", "asked")
"""Columns that older recordings do not have."""
_TURN = (*_BILL, *(name for name in TurnStory.__slots__ if name not in
                   (*_NEWER, "actual", "untouched")))  # fmt: skip
_EVENTS = """
    select events.*, pages.tool, pages.label, pages.handle from events left join pages
    on pages.session = events.session and pages.id = events.page
"""
_FLUSHES = """
    select flushes.*, coalesce(still.out, 0) pages_out from flushes left join (
        select moved, count(*) out from pages
        where session = :session and state in ('evicted', 'collected') group by moved
    ) still on still.moved = flushes.turn
    where session = :session order by turn
"""
_PAGES = """
    select pages.*, exists (select 1 from contents where digest = pages.digest) kept
    from pages join sessions on sessions.id = pages.session
    where handle = :handle order by last_at desc, session
"""


def _turn(row: Row) -> TurnStory:
    settled = row["input_tokens"] is not None
    return TurnStory(
        request=row["request"],
        turn=row["turn"],
        at=row["at"],
        outcome=row["outcome"],
        why=row["why"],
        status=row["status"],
        removed_tokens=row["removed_tokens"],
        pending_tokens=row["pending_tokens"],
        flushed=row["flushed"],
        held_tokens=row["held_tokens"],
        held_why=row["held_why"],
        prefix_broken=bool(row["prefix_broken"]),
        actual=_actual(row) if settled else None,
        untouched=_untouched(row) if settled else None,
        dollars=row["dollars"],
        untouched_dollars=row["untouched_dollars"],
        **{name: row.get(name) or 0 for name in _NEWER},
    )


def _actual(row: Row) -> Tokens:
    written = row["cache_write_5m_tokens"] + row["cache_write_1h_tokens"]
    return Tokens(row["input_tokens"], row["cache_read_tokens"], written, row["output_tokens"])


def _untouched(row: Row) -> Tokens:
    return Tokens(
        row["untouched_input_tokens"],
        row["untouched_cache_read_tokens"],
        row["untouched_cache_write_tokens"],
        row["untouched_output_tokens"],
    )


def _event(row: Row) -> EventStory:
    page = f"{row['tool']} {row['label']}".strip() if row["tool"] else row["page"]
    return EventStory(
        id=row["id"],
        session=row["session"],
        request=row["request"],
        turn=row["turn"],
        at=row["at"],
        kind=row["kind"],
        why=row["why"],
        tokens=row["tokens"],
        detail=json.loads(row["detail"]),
        page=page,
        handle=row["handle"],
    )


def _page(row: Row) -> PageStory:
    same = {name: row[name] for name in PageStory.__slots__ if name not in ("stale", "kept")}
    return PageStory(**same, stale=bool(row["stale"]), kept=bool(row["kept"]))
