"""What the demo shows: while it runs, and when it is over.

Rule of this file: everything is read from the database, as ``pichay stats`` does; nothing is
reckoned here but sums and differences.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pichay_cli.live import watch_until
from pichay_core.store.schema import open_for_reading

POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the recorder holds of one run. Tokens are of both sides, input and output."""

    requests: int = 0
    """Of the agent."""
    legs: int = 0
    """Requests by Pichay, to answer the model."""
    evictions: int = 0
    collections: int = 0
    flushes: int = 0
    faults: Mapping[str, int] = field(default_factory=dict[str, int])
    pins: int = 0
    releases: int = 0
    """Pages that the model let go."""
    episodes: int = 0
    """Of thrash."""
    tokens: int = 0
    untouched_tokens: int = 0
    """Estimate: what the same work would have taken without Pichay."""
    dollars: float = 0.0
    untouched_dollars: float = 0.0

    @property
    def saved_tokens(self) -> int:
        """Net: refetches and everything else that paging cost is charged to it."""
        return self.untouched_tokens - self.tokens

    @property
    def saved_dollars(self) -> float:
        """Net, after cache writes and cache reads, at list prices."""
        return self.untouched_dollars - self.dollars

    def missing(self) -> tuple[str, ...]:
        """Return what the demo is there to show and this run did not."""
        shown = {
            "an eviction": self.evictions,
            "a collection": self.collections,
            "a refetch fault": self.faults.get("refetch", 0),
            "a recall": self.faults.get("recall", 0),
            "a pin": self.pins,
            "a release": self.releases,
            "tokens saved, net": self.saved_tokens,
            "money saved, net": self.saved_dollars,
        }
        return tuple(name for name, amount in shown.items() if amount <= 0)

    def not_thrashing(self) -> tuple[str, ...]:
        """Return what a demo of thrash is there to show and this run did not."""
        shown = {"an episode of thrash": self.episodes, "refetches": self.faults.get("refetch", 0)}
        return tuple(name for name, amount in shown.items() if amount <= 0)


def show_live(database: Path, until: Callable[[], bool]) -> None:
    """Show the running figures of *database* until *until* says that it is over.

    Without a terminal nothing is drawn: the summary says it all.
    """
    if sys.stdout.isatty():
        watch_until(database, until)
    while not until():
        time.sleep(POLL_SECONDS)


def outcome(database: Path) -> Outcome:
    """Return what *database* holds, after the recorder has ended."""
    db = open_for_reading(database)
    try:
        counts = {(kind, why): number for kind, why, number in db.execute(_EVENTS).fetchall()}
        requests, legs, *amounts = db.execute(_TURNS).fetchone()
    finally:
        db.close()
    tokens, untouched, dollars, untouched_dollars = amounts
    return Outcome(
        requests=requests,
        legs=legs,
        evictions=_of(counts, "evicted"),
        collections=_of(counts, "collected"),
        flushes=_of(counts, "flushed"),
        faults={why: number for (kind, why), number in counts.items() if kind == "faulted"},
        pins=_of(counts, "pinned"),
        releases=_of(counts, "released"),
        episodes=_of(counts, "thrashed"),
        tokens=tokens,
        untouched_tokens=untouched,
        dollars=dollars,
        untouched_dollars=untouched_dollars,
    )


_EVENTS = "select kind, why, count(*) from events group by kind, why"

_TURNS = """
select
    coalesce(sum(leg = 0), 0),
    coalesce(sum(leg > 0), 0),
    coalesce(sum(input_tokens + cache_read_tokens + cache_write_5m_tokens
        + cache_write_1h_tokens + output_tokens), 0),
    coalesce(sum(untouched_input_tokens + untouched_cache_read_tokens
        + untouched_cache_write_tokens + untouched_output_tokens), 0),
    coalesce(sum(dollars), 0),
    coalesce(sum(untouched_dollars), 0)
from turns
"""


def _of(counts: Mapping[tuple[str, str], int], wanted: str) -> int:
    return sum(number for (kind, _), number in counts.items() if kind == wanted)


def summary(outcome: Outcome) -> str:
    """Return the closing words: the net figures first."""
    faults = ", ".join(f"{number} {kind}" for kind, number in sorted(outcome.faults.items()))
    return "\n".join((
        f"net saving   {_tokens(outcome)}",
        f"(estimate)   {_dollars(outcome)}",
        f"moved out    {outcome.evictions} evicted, {outcome.collections} collected, "
        f"in {outcome.flushes} flushes over {outcome.requests} requests",
        f"came back    {faults or 'no faults'}",
        f"pins         {outcome.pins} set",
        *_seldom(outcome),
    ))  # fmt: skip


def _seldom(outcome: Outcome) -> Iterator[str]:
    """What only one of the plays is there to show."""
    if outcome.legs or outcome.releases:
        recalls, legs = outcome.faults.get("recall", 0), _times(outcome.legs, "request")
        yield (
            f"the model    brought {_times(recalls, 'page')} back (in {legs} unseen by the agent), "
            f"let {outcome.releases} go"
        )
    if outcome.episodes:
        yield f"thrash       {_times(outcome.episodes, 'episode')}"


def _times(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _tokens(outcome: Outcome) -> str:
    share = _share(outcome.saved_tokens, outcome.untouched_tokens)
    return (
        f"{outcome.saved_tokens:,} tokens ({share}): "
        f"{outcome.tokens:,} instead of {outcome.untouched_tokens:,}"
    )


def _dollars(outcome: Outcome) -> str:
    share = _share(outcome.saved_dollars, outcome.untouched_dollars)
    return (
        f"${outcome.saved_dollars:.3f} ({share}): "
        f"${outcome.dollars:.3f} instead of ${outcome.untouched_dollars:.3f}"
    )


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%}" if whole else "of nothing"
