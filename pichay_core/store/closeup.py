"""One session seen closely: what stood in each window, what was in use, what moved.

Rule of this file: a long session is told in fewer moments than it has requests. Each of them is a
request as it was, the largest window among so many requests in a row, never an average; what
happened in the others is counted to it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pichay_core.model import Kind
from pichay_core.store.database import Database
from pichay_core.store.episodes import EpisodeStory, episodes
from pichay_core.store.scope import Row, Scope, rows

MOMENTS = 160
"""At most so many are told of one session."""
PARTS = ("front", "talk", "thought", *(kind.value for kind in Kind), "stub")
"""Of a window, from the bottom up; each is a column of ``turns`` that ends in ``_tokens``."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One request, standing for some in a row. Tokens; None where it was not recorded."""

    request: int
    """Its number in the session."""
    first: int
    """The first of the requests that it stands for."""
    last: int
    turn: int
    window: int
    """As the provider counted it; estimated if ``estimated``."""
    estimated: bool
    untouched: int
    """What the window would have been; of a request that would not have been made, the last."""
    limit: int | None
    """What the model can take."""
    parts: Mapping[str, float] = field(default_factory=dict[str, float])
    """What stood in the window, by :data:`PARTS`, scaled to add up to it; empty if unknown."""
    resident: int = 0
    """The pages in it."""
    pinned: int | None = None
    working: int | None = None
    """W(t, 16): what was referenced in the last 16 turns."""
    flushed: str | None = None
    """Why pages left in one of these requests."""


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened in one request, counted."""

    request: int
    kind: str
    """An event, as ``events.kind``; of a fault its class."""
    count: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Band:
    """An episode of thrash, by the requests that it went on for."""

    first: int
    last: int
    episode: EpisodeStory


@dataclass(frozen=True, slots=True)
class CloseUp:
    """The course of one session."""

    session: str
    requests: int
    """How many were recorded."""
    moments: tuple[Moment, ...] = ()
    happenings: tuple[Happening, ...] = ()
    bands: tuple[Band, ...] = ()
    curve: Mapping[int, float] = field(default_factory=dict[int, float])
    """W(t, tau) by tau in turns, the mean over all requests; empty if that was not recorded."""
    resident: float = 0.0
    """The pages in a window, the mean over the same requests."""

    @property
    def thinned(self) -> bool:
        """True if moments stand for more than one request each."""
        return any(moment.first < moment.last for moment in self.moments)


def close_up(db: Database, session: str, most: int = MOMENTS) -> CloseUp:
    """Return the course of a session, in at most so many moments."""
    found = _with_untouched(rows(db, _TURNS, Scope(session)))
    each = max(1, -(-len(found) // most))
    bundles = [found[at : at + each] for at in range(0, len(found), each)]
    curves = [
        (_curve(row["working_curve"]), row["resident_tokens"])
        for row in found
        if row.get("working_curve")
    ]
    return CloseUp(
        session,
        len(found),
        tuple(_moment(bundle) for bundle in bundles),
        _happenings(db, session),
        tuple(_band(one, found) for one in episodes(db, Scope(session)) if found),
        _mean([curve for curve, _ in curves]),
        sum(resident for _, resident in curves) / max(1, len(curves)),
    )


_TURNS = """
    select turns.*, input_tokens + cache_read_tokens + cache_write_5m_tokens
        + cache_write_1h_tokens sent,
        untouched_input_tokens + untouched_cache_read_tokens + untouched_cache_write_tokens whole
    from turns where session = :session order by request
"""
_HAPPENED = """
    select request, case kind when 'faulted' then why else kind end kind,
        count(*) count, total(tokens) tokens
    from events
    where session = :session and request is not null
        and kind in ('evicted', 'collected', 'faulted', 'pinned')
    group by 1, 2 order by 1, 2
"""


def _moment(bundle: Sequence[Row]) -> Moment:
    """Return the request with the largest window of these, as what stands for them all."""
    row = max(bundle, key=_window)
    reasons = [one["flushed"] for one in bundle if one["flushed"]]
    window = _window(row)
    return Moment(
        request=row["request"],
        first=bundle[0]["request"],
        last=bundle[-1]["request"],
        turn=row["turn"],
        window=window,
        estimated=row["sent"] is None,
        untouched=round(row["untouched"]),
        limit=row.get("window_limit"),
        parts=_parts(row, window),
        resident=row["resident_tokens"],
        pinned=row.get("pinned_tokens"),
        working=row.get("working_tokens"),
        flushed=reasons[0] if reasons else None,
    )


def _with_untouched(found: Sequence[Row]) -> list[Row]:
    """Return the turns with their untouched size, which goes on where a request is only ours."""
    told: list[Row] = []
    for row in found:
        before = told[-1]["untouched"] if told else 0
        removed = 0 if row["whole"] is not None else row["removed_tokens"]
        untouched = row["whole"] or max(before, _window(row) + removed)
        told.append({**row, "untouched": untouched})
    return told


def _window(row: Row) -> int:
    if row["sent"] is not None:
        return row["sent"]
    return round(sum(_estimates(row)) or row["resident_tokens"])


def _estimates(row: Row) -> Sequence[float]:
    return [max(0, row.get(f"{part}_tokens") or 0) for part in PARTS]


def _parts(row: Row, window: int) -> Mapping[str, float]:
    estimates = _estimates(row)
    if not sum(estimates):
        return {}
    scale = window / sum(estimates)
    return {part: tokens * scale for part, tokens in zip(PARTS, estimates, strict=True)}


def _band(episode: EpisodeStory, turns: Sequence[Row]) -> Band:
    """Return an episode with the requests of its turns; one that lasts goes on to the last."""
    ended = turns[-1]["turn"] if episode.ended is None else episode.ended
    during = [row["request"] for row in turns if episode.start <= row["turn"] <= ended]
    return Band(min(during, default=episode.request), max(during, default=episode.request), episode)


def _curve(text: str) -> Mapping[int, float]:
    return {int(tau): tokens for tau, tokens in json.loads(text).items()}


def _mean(curves: Sequence[Mapping[int, float]]) -> Mapping[int, float]:
    taus: Iterable[int] = curves[0] if curves else ()
    return {tau: sum(curve.get(tau, 0.0) for curve in curves) / len(curves) for tau in taus}


def _happenings(db: Database, session: str) -> tuple[Happening, ...]:
    found = rows(db, _HAPPENED, Scope(session))
    return tuple(
        Happening(row["request"], row["kind"] or "faulted", row["count"], int(row["tokens"]))
        for row in found
    )
