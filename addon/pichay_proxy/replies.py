"""What a reply says of the edits before it: as events, as warnings, as a reason to stop.

Rule of this file: only what followed an edit of ours may be our fault, and the words say which
it was. Pure.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pichay_core.events import Dropped, Missed, Warned
from pichay_core.wire.report import Report

BROKEN_BINDING = "prefix_binding_mismatch"
"""What stood before the block was changed; every other reason is none of an edit's."""
CHANGED = "messages_changed"
OURS, NOT_OURS = "after an edit of ours", "not through an edit of ours"


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be recorded, and said once a session."""

    events: tuple[Dropped | Missed, ...] = ()
    warnings: tuple[Warned, ...] = ()
    harm: str | None = None
    """Why nothing new may be done to what the session sends, None if it may.

    What was done already goes on: newer thinking is bound to it.
    """


def told(report: Report, edited: bool, flushed: bool) -> Told:
    """Return what a reply told.

    ``edited``: something other than the client's bytes has gone upstream in this session;
    ``flushed``: in this very request, so that a cache miss is what was paid for.
    """
    dropped = tuple(_dropped(report, edited))
    missed = Missed(report.cache_miss, report.missed_tokens) if report.cache_miss else None
    warnings = [_lost(event) for event in dropped]
    if missed and not flushed:
        ours = edited and missed.why == CHANGED
        warnings.append(Warned(f"cache missed {OURS if ours else NOT_OURS}", missed.why))
    harm = next((_said(event) for event in dropped if _is_ours(event)), None)
    return Told(
        events=(*dropped, *((missed,) if missed else ())),
        warnings=tuple(warnings),
        harm=f"thinking dropped {OURS}: {harm}" if harm else None,
    )


def _dropped(report: Report, edited: bool) -> Iterator[Dropped]:
    for why, blocks in Counter(drop.reason for drop in report.dropped).items():
        first = next(drop.path for drop in report.dropped if drop.reason == why)
        yield Dropped(why, blocks, first, edited)


def _lost(event: Dropped) -> Warned:
    if _is_ours(event):
        return Warned(
            f"thinking dropped {OURS}", f"{_said(event)}; no more pages leave from now on"
        )
    return Warned(f"thinking dropped {NOT_OURS}", _said(event))


def _is_ours(event: Dropped) -> bool:
    return event.edited and event.why == BROKEN_BINDING


def _said(event: Dropped) -> str:
    return f"{event.blocks} from {event.path} on, {event.why}"
