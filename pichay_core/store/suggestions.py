"""What is worth changing, found in a recording: each finding with the figure that makes it one.

Rule of this file: it finds and counts; the words, and what to do, are said where it is shown. A
finding that costs nothing that is known of has no amount, and is none the less a finding.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pichay_core.store.activity import Activity
from pichay_core.store.database import Database
from pichay_core.store.episodes import EpisodeStory
from pichay_core.store.figures import Net, SessionFigures
from pichay_core.store.schema import has_flushes
from pichay_core.store.scope import Row, Scope, own, rows, where
from pichay_core.store.top import Cost

NAMED = 3
"""So many names at most stand in a finding."""
SEEN_IN = 3
"""Sessions in which a tool must have been defined, and not called, to be a finding."""
CAME_BACK = 3
"""Refetches from which a page is one."""


class Finding(StrEnum):
    """What was found."""

    OBSERVED = "observed"
    """Requests that were only observed, by reason."""
    THRASHED = "thrashed"
    """Episodes of thrash, with what came back in them."""
    CAME_BACK = "came back"
    """Pages that were read again and again; said where there is no episode."""
    SCHEDULE = "schedule"
    """Flushes for one reason that have cost more than they have saved."""
    LOST = "lost"
    """Sessions that have lost against untouched."""
    FROZEN = "frozen"
    """Sessions that were only observed from some request on, by reason."""
    UNCALLED = "uncalled"
    """Tools that are defined in every request and were never called."""
    UNPRICED = "unpriced"
    """Models whose price is not known."""
    REFUSED = "refused"
    """Hosts for which a client did not trust the certificate."""
    FAILED = "failed"
    """Requests that went as they came because of a failure inside Pichay, by reason."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One finding."""

    finding: Finding
    count: int
    """Of what is found: requests, episodes, flushes, sessions, tools, models, refusals."""
    why: str = ""
    """The reason or schedule that it is about."""
    names: tuple[str, ...] = ()
    """Some of what it is about: pages, tools, sessions by id, models, hosts."""
    dollars: float | None = None
    """That it has cost, an estimate; None where no price is known, or nothing was lost."""
    tokens: float = 0.0
    """Likewise; as many of plain input as cost the same, but for what was only observed."""


def suggestions(
    db: Database,
    scope: Scope,
    net: Net,
    done: Activity,
    sessions: Sequence[SessionFigures],
    episodes: Sequence[EpisodeStory],
    tools: Sequence[Cost],
) -> tuple[Suggestion, ...]:
    """Return what is worth changing in scope, the dearest first."""
    found = [
        *_observed(db, scope),
        *(_thrashed(episodes) if episodes else _came_back(db, scope)),
        *_schedules(db, scope),
        *_lost(sessions),
        *_frozen(sessions),
        *_uncalled(tools),
        *_unpriced(net),
        *(Suggestion(Finding.REFUSED, t.count, names=(t.why,)) for t in done.refusals),
        *(Suggestion(Finding.FAILED, t.count, t.why) for t in done.reasons("failed")),
    ]
    return tuple(sorted(found, key=lambda one: (-(one.dollars or 0), -one.tokens, -one.count)))


def _observed(db: Database, scope: Scope) -> Iterable[Suggestion]:
    both = [term for term in ("outcome = 'observed'", own(db)) if term]
    sql = _OBSERVED.format(where=where(scope, also=" and ".join(both)))
    for row in rows(db, sql, scope):
        amounts = {"dollars": row["dollars"], "tokens": row["tokens"]}
        yield Suggestion(Finding.OBSERVED, row["count"], row["why"] or "", (), **amounts)


def _thrashed(episodes: Sequence[EpisodeStory]) -> Iterable[Suggestion]:
    times: dict[str, int] = {}
    for page in (page for episode in episodes for page in episode.pages):
        times[page.name] = times.get(page.name, 0) + page.times
    priced = [episode.dollars for episode in episodes if episode.dollars is not None]
    cost = sum(episode.cost_tokens for episode in episodes)
    dollars = sum(priced) if priced else None
    yield Suggestion(Finding.THRASHED, len(episodes), "", _often(times), dollars, cost)


def _came_back(db: Database, scope: Scope) -> Iterable[Suggestion]:
    clause = where(
        scope, "events.session", "events.at", "events.kind = 'faulted' and events.why = 'refetch'"
    )
    found = rows(db, _REFETCHED.format(where=clause, least=CAME_BACK), scope)
    if found:
        times = {f"{row['tool']} {row['label']}".strip(): row["count"] for row in found}
        tokens = sum(row["tokens"] for row in found)
        yield Suggestion(Finding.CAME_BACK, sum(times.values()), names=_often(times), tokens=tokens)


def _often(times: Mapping[str, int]) -> tuple[str, ...]:
    first = sorted(times, key=lambda name: (-times[name], name))[:NAMED]
    return tuple(f"{name} ({times[name]})" for name in first)


def _schedules(db: Database, scope: Scope) -> Iterable[Suggestion]:
    if not has_flushes(db):
        return
    for row in rows(db, _SCHEDULES.format(where=where(scope, also="requests > 0")), scope):
        if _cost(row) > 0:
            amounts = {"dollars": row["dollars"], "tokens": row["tokens"]}
            yield Suggestion(Finding.SCHEDULE, row["count"], row["why"], (), **amounts)


def _cost(row: Row) -> float:
    return row["tokens"] if row["dollars"] is None else row["dollars"]


def _lost(sessions: Sequence[SessionFigures]) -> Iterable[Suggestion]:
    lost = sorted((s for s in sessions if _saved(s.net) < 0), key=lambda s: _saved(s.net))
    if lost:
        priced = [-s.net.saved_dollars for s in lost if s.net.priced]
        names = tuple(session.id for session in lost[:NAMED])
        tokens = sum(max(0, -session.net.saved_tokens) for session in lost)
        yield Suggestion(
            Finding.LOST, len(lost), "", names, sum(priced) if priced else None, tokens
        )


def _saved(net: Net) -> float:
    """Return what a session saved: money where its price is known."""
    return net.saved_dollars if net.priced else net.saved_tokens


def _frozen(sessions: Sequence[SessionFigures]) -> Iterable[Suggestion]:
    reasons: dict[str, list[str]] = {}
    for session in sessions:
        if session.frozen:
            reasons.setdefault(session.frozen, []).append(session.id)
    for why, names in reasons.items():
        yield Suggestion(Finding.FROZEN, len(names), why, tuple(names[:NAMED]))


def _uncalled(tools: Sequence[Cost]) -> Iterable[Suggestion]:
    idle = [cost for cost in tools if _idle(cost)]
    if idle:
        priced = [cost.dollars for cost in idle if cost.dollars is not None]
        first = sorted(idle, key=lambda cost: -(cost.dollars or cost.sent))[:NAMED]
        names = tuple(cost.what for cost in first)
        dollars = sum(priced) if priced else None
        tokens = sum(cost.sent for cost in idle)
        yield Suggestion(Finding.UNCALLED, len(idle), "", names, dollars, tokens)


def _idle(cost: Cost) -> bool:
    defined = cost.definition_tokens > 0 and cost.sessions >= SEEN_IN
    return defined and not (cost.rest or cost.calls)


def _unpriced(net: Net) -> Iterable[Suggestion]:
    if net.unpriced:
        yield Suggestion(Finding.UNPRICED, len(net.unpriced), names=net.unpriced[:NAMED])


_OBSERVED = """
    select why, count(*) count, sum(dollars) dollars, total(input_tokens)
        + total(cache_read_tokens) + total(cache_write_5m_tokens)
        + total(cache_write_1h_tokens) tokens
    from turns {where} group by why
"""
_REFETCHED = """
    select tool, label, count(*) count, total(events.tokens) tokens from events join pages
    on pages.session = events.session and pages.id = events.page
    {where} group by tool, label having count(*) >= {least}
"""
_SCHEDULES = """
    select why, count(*) count,
        sum(rewritten_dollars + faulted_dollars - saved_dollars) dollars,
        total(rewritten_tokens + faulted_tokens - saved_tokens) tokens
    from flushes {where} group by why
"""
