"""What the recording adds up to: the net, and the latest sessions.

Rule of this file: it reads and adds, it judges nothing. Every question is one pass, whatever the
number of sessions, over the sums that are kept, or over the turns. Tokens are as the provider
billed them; "untouched" is the estimate of the same requests without Pichay.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pichay_core.store.database import Database
from pichay_core.store.scope import EVERYTHING, Row, Scope, rows, where
from pichay_core.store.totals import event_sums, turn_sums

TABLES = frozenset({"sessions", "turns", "pages", "contents", "events"})
"""What must be there before anything can be asked: a recorder may just be making them."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens by kind. The four do not overlap."""

    input: int = 0
    """Neither read from nor written to the prompt cache."""
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0

    @property
    def sent(self) -> int:
        """The whole input side."""
        return self.input + self.cache_read + self.cache_write

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(
            self.input + other.input,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.output + other.output,
        )


@dataclass(frozen=True, slots=True)
class Net:
    """What requests were billed, beside the estimate of what they would have been billed."""

    requests: int = 0
    """The client's own."""
    legs: int = 0
    """Requests that we made in a client's place, to answer the model."""
    settled: int = 0
    """Requests, legs among them, whose reply said what was billed; the amounts below are theirs."""
    actual: Tokens = Tokens()
    untouched: Tokens = Tokens()
    priced: int = 0
    """Settled requests of models whose price is known; the dollars are theirs."""
    dollars: float = 0.0
    untouched_dollars: float = 0.0
    unpriced: tuple[str, ...] = ()
    """Models whose price is not known."""
    thinking: int = 0
    """Tokens of thinking that requests were sent without, so that pages could leave; of the
    saved tokens these are the price."""
    legs_sent: int = 0
    """Input tokens of legs, which are part of the actual ones, and of no untouched ones."""
    legs_dollars: float = 0.0
    """What legs cost, likewise."""

    @property
    def saved_tokens(self) -> int:
        """Input tokens that untouched would have been more; negative is a loss."""
        return self.untouched.sent - self.actual.sent

    @property
    def saved_dollars(self) -> float:
        """Dollars that untouched would have been more; negative is a loss."""
        return self.untouched_dollars - self.dollars

    def __add__(self, other: "Net") -> "Net":
        return Net(
            self.requests + other.requests,
            self.legs + other.legs,
            self.settled + other.settled,
            self.actual + other.actual,
            self.untouched + other.untouched,
            self.priced + other.priced,
            self.dollars + other.dollars,
            self.untouched_dollars + other.untouched_dollars,
            (*self.unpriced, *(model for model in other.unpriced if model not in self.unpriced)),
            self.thinking + other.thinking,
            self.legs_sent + other.legs_sent,
            self.legs_dollars + other.legs_dollars,
        )


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Thinking that was given up so that pages could leave, each block counted once."""

    times: int = 0
    blocks: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """One session in a line. Times are seconds since the epoch."""

    id: str
    kind: str
    parent: str | None
    model: str
    mode: str
    """Of its last request; empty in what was recorded before there were any."""
    definitions: str
    """How the definitions of its tools go out, and why; empty if that was not asked."""
    frozen: str | None
    started_at: float
    last_at: float
    turns: int
    requests: int
    """The client's own."""
    window: int | None
    """Tokens of the last request that was settled, None if none was."""
    net: Net
    evictions: int
    """Pages that left, those that the provider cleared because we asked for it among them."""
    faults: int


def recorded(db: Database) -> bool:
    """True if there is anything to show: a request, or traffic that was let through."""
    names = {row["name"] for row in rows(db, "select name from sqlite_master")}
    if not names >= TABLES:
        return False
    (found,) = rows(db, "select exists (select 1 from turns) or exists (select 1 from events) any")
    return bool(found["any"])


def net(db: Database, scope: Scope = EVERYTHING) -> Net:
    """Return the net over all requests in scope."""
    sql = f"select {_NET} from {turn_sums(db, scope)} {where(scope)} group by model"
    found = rows(db, sql, scope)
    return _sum(net_of(row) for row in found)


def given_up(db: Database, scope: Scope = EVERYTHING) -> GivenUp:
    """Return the thinking that was given up in scope."""
    sql = f"select {_GIVEN_UP} from events {where(scope, also="kind = 'stripped'")}"
    (row,) = rows(db, sql, scope)
    return GivenUp(row["times"], int(row["blocks"]), int(row["tokens"]))


def sessions(
    db: Database, limit: int | None = None, scope: Scope = EVERYTHING
) -> tuple[SessionFigures, ...]:
    """Return the sessions last seen in scope, newest first, each with its whole history."""
    chosen = f"{where(scope, 'id', 'last_at')} order by last_at desc, id limit {_limit(limit)}"
    found = rows(db, f"select * from sessions {chosen}", scope)
    inner = f"session in (select id from sessions {chosen})"
    summed = f"select session, {_NET} from {turn_sums(db)} where {inner} {_EACH}"
    nets = _nets(rows(db, summed, scope))
    windows = _by_session(rows(db, _WINDOWS.format(chosen=chosen, sent=_SENT), scope), "window")
    counts = rows(db, _MOVES.format(events=event_sums(db), inner=inner), scope)
    evictions, faults = _by_session(counts, "evictions"), _by_session(counts, "faults")
    return tuple(
        SessionFigures(
            id=row["id"],
            kind=row["kind"],
            parent=row["parent"],
            model=row["model"],
            mode=row.get("mode") or "",
            definitions=_definitions(row.get("birth")),
            frozen=row["frozen"],
            started_at=row["started_at"],
            last_at=row["last_at"],
            turns=row["turn"],
            requests=row["requests"] - nets.get(row["id"], Net()).legs,
            window=windows.get(row["id"]),
            net=nets.get(row["id"], Net()),
            evictions=evictions.get(row["id"], 0),
            faults=faults.get(row["id"], 0),
        )
        for row in found
    )


_GIVEN_UP = """
    count(*) times, total(tokens) tokens, total(json_extract(detail, '$.blocks')) blocks
"""


def _definitions(birth: str | None) -> str:
    # Read as plain JSON, not as a Birth, which would bring the wire formats with it.
    given: dict[str, Any] = json.loads(birth) if birth else {}
    why, way = given.get("why"), given.get("way")
    if not why:
        return ""
    if way == "whole":
        return f"whole: {why}"
    short = {*given["names"]} - {*given["whole"]}
    return f"{len(short)} {way}: {why}"


_EACH = "group by session, model"
_NET = """
    model, sum(iif(own, requests, 0)) requests, sum(iif(own, 0, requests)) legs,
    sum(iif(own, 0, input + cache_read + cache_write)) legs_sent,
    sum(iif(own, 0.0, dollars)) legs_dollars, sum(settled) settled, sum(priced) priced,
    sum(input) input, sum(cache_read) cache_read, sum(cache_write) cache_write, sum(output) output,
    sum(untouched_input) untouched_input, sum(untouched_cache_read) untouched_cache_read,
    sum(untouched_cache_write) untouched_cache_write, sum(untouched_output) untouched_output,
    sum(dollars) dollars, sum(untouched_dollars) untouched_dollars, sum(thinking) thinking
"""
_SENT = "input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens"
_WINDOWS = """
    select id session, (
        select {sent} from turns where session = id and input_tokens is not null
        order by request desc limit 1
    ) window from sessions {chosen}
"""
_MOVES = """
    select session, sum(iif(kind = 'faulted', count, 0)) faults, sum(iif(
        kind = 'evicted' or kind = 'cleared' and why = 'asked by us', count, 0)) evictions
    from {events} where {inner} group by session
"""


def net_of(row: Row) -> Net:
    """Return the net that a row of these sums says."""
    unknown = row["settled"] > row["priced"]
    return Net(
        requests=row["requests"],
        legs=row["legs"],
        settled=row["settled"],
        actual=_tokens(row, ""),
        untouched=_tokens(row, "untouched_"),
        priced=row["priced"],
        dollars=row["dollars"],
        untouched_dollars=row["untouched_dollars"],
        unpriced=(row["model"],) if unknown else (),
        thinking=int(row["thinking"]),
        legs_sent=int(row["legs_sent"]),
        legs_dollars=row["legs_dollars"],
    )


def _tokens(row: Row, prefix: str) -> Tokens:
    kinds = ("input", "cache_read", "cache_write", "output")
    return Tokens(*(int(row[prefix + kind]) for kind in kinds))


def _sum(nets: Iterable[Net]) -> Net:
    return reduce(Net.__add__, nets, Net())


def _nets(found: Sequence[Row]) -> dict[str, Net]:
    each: dict[str, Net] = {}
    for row in found:
        each[row["session"]] = each.get(row["session"], Net()) + net_of(row)
    return each


def _by_session(found: Sequence[Row], column: str) -> dict[str, int]:
    return {row["session"]: row[column] for row in found}


def _limit(limit: int | None) -> int:
    return -1 if limit is None else limit
