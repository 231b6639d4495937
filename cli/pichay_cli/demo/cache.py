"""The prompt cache of the scripted upstream: what a provider would bill for a prompt.

Rule of this file: no clock and no request format. A prompt is a row of places; the caller
says what time it is; what is stored is returned, never changed.

The model is the documented one (Anthropic, "Prompt caching", as known in November 2026):
an entry is written for each marker, over everything up to it; from a marker the provider looks
back at most twenty positions for an earlier *entry* (not for equal content); a run of calls,
or of results, is one position; an entry lives from the start of the request that wrote or hit
it. Left out: two requests in flight at once, which would both miss.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pichay_core.model import Usage

LOOK_BACK = 20
"""Positions examined from a marker, the marker's own being the first."""

TTL_SECONDS = {"5m": 300, "1h": 3600}

_RUNS = frozenset({"tool_use", "tool_result"})


@dataclass(frozen=True, slots=True)
class Place:
    """One part of a prompt: a tool definition, a system block or a block of a message."""

    kind: str
    content: bytes
    tokens: int
    ttl: str | None = None
    """``5m`` or ``1h`` if a cache marker stands here, else None."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A prefix the provider holds until *expires*, in the caller's seconds."""

    ttl: str
    expires: float


type Entries = Mapping[bytes, Entry]
"""What is held, by the digest of the whole prefix."""


@dataclass(frozen=True, slots=True)
class Billed:
    """The input side of one bill, and what is held after it."""

    usage: Usage
    entries: Entries = field(default_factory=dict[bytes, Entry])


@dataclass(frozen=True, slots=True)
class _Prefix:
    """Everything up to one place: its digest, its tokens, the position of its last place."""

    digest: bytes
    tokens: int
    position: int
    ttl: str | None


def bill(
    entries: Entries, places: Sequence[Place], *, scope: str, minimum: int, now: float
) -> Billed:
    """Return what the prompt costs at *now* (seconds), and the entries held afterwards.

    *scope* keeps apart what does not share a cache (model, credential). A marker over fewer
    than *minimum* tokens is ignored, silently, as the provider does.
    """
    live = {digest: entry for digest, entry in entries.items() if entry.expires > now}
    prefixes = tuple(_prefixes(places, scope))
    markers = [prefix for prefix in prefixes if prefix.ttl and prefix.tokens >= minimum]
    hit = _longest_hit(prefixes, markers, live)
    total = prefixes[-1].tokens if prefixes else 0
    return Billed(_usage(markers, hit.tokens if hit else 0, total), _kept(live, markers, hit, now))


def _prefixes(places: Sequence[Place], scope: str) -> Iterator[_Prefix]:
    digest = hashlib.sha256(scope.encode()).digest()
    tokens, position, before = 0, 0, ""
    for place in places:
        digest = hashlib.sha256(b"\0".join((digest, place.kind.encode(), place.content))).digest()
        tokens += place.tokens
        position += not (place.kind in _RUNS and place.kind == before)
        before = place.kind
        yield _Prefix(digest, tokens, position, place.ttl)


def _longest_hit(
    prefixes: Sequence[_Prefix], markers: Sequence[_Prefix], live: Entries
) -> _Prefix | None:
    """Return the longest prefix found; the last marker that finds one finds the longest."""
    for marker in reversed(markers):
        found = [
            prefix
            for prefix in prefixes
            if 0 <= marker.position - prefix.position < LOOK_BACK
            and prefix.tokens <= marker.tokens
            and prefix.digest in live
        ]
        if found:
            return found[-1]
    return None


def _usage(markers: Sequence[_Prefix], read: int, total: int) -> Usage:
    """Return the bill: read, then one hour writes, then five minute writes, then the rest."""
    hour = max((marker.tokens for marker in markers if marker.ttl == "1h"), default=0)
    last = max((marker.tokens for marker in markers), default=0)
    hour, last = max(hour, read), max(last, read)
    return Usage(
        input=total - last,
        cache_read=read,
        cache_write_1h=hour - read,
        cache_write_5m=max(last - hour, 0),
    )


def _kept(live: Entries, markers: Sequence[_Prefix], hit: _Prefix | None, now: float) -> Entries:
    """Return what is held afterwards: a hit lives anew, every marker has an entry."""
    kept = dict(live)
    if hit:
        kept[hit.digest] = _entry(live[hit.digest].ttl, now)
    for marker in markers:
        fresh = _entry(marker.ttl or "5m", now)
        held = kept.get(marker.digest, fresh)
        kept[marker.digest] = max(held, fresh, key=lambda entry: entry.expires)
    return kept


def _entry(ttl: str, now: float) -> Entry:
    return Entry(ttl, now + TTL_SECONDS[ttl])
