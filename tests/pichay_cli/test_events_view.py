import pytest

from pichay_cli.events_view import _STORIES, NAME_WIDTH, name_of, story_of
from pichay_core.events import Event
from pichay_core.store.stories import EventStory


def event(kind, why=None, tokens=None, page="Read a.py", **detail):
    return EventStory(
        id=1,
        session="s",
        request=1,
        turn=1,
        at=0.0,
        kind=kind,
        why=why,
        tokens=tokens,
        detail=detail,
        page=page,
        handle=None,
    )


@pytest.mark.parametrize(
    ("happened", "name", "story"),
    [
        (
            event("evicted", tokens=900, handle="AAAA"),
            "evicted",
            "Read a.py  900 tokens, page AAAA",
        ),
        (
            event("collected", "superseded", 1_500, handle="AAAA"),
            "collected",
            "Read a.py  1.5k tokens, superseded, page AAAA",
        ),
        (
            event("faulted", "refetch", 900, away=1, by="p2"),
            "refetch",
            "Read a.py  900 tokens back after 1 turn",
        ),
        (event("pinned", strength=1.0), "pinned", "Read a.py"),
        (event("pinned", strength=2.0), "pinned", "Read a.py  strength 2"),
        (event("unpinned", "decayed"), "unpinned", "Read a.py  decayed"),
        (
            event("repaired", stale=True),
            "repaired",
            "Read a.py  its text put where the client sent a note, changed by later calls",
        ),
        (
            event("duplicated", tokens=900, of="p2"),
            "duplicated",
            "Read a.py  900 tokens not sent: the same text stands above",
        ),
        (
            event("differed", tokens=900, of="p2"),
            "differed",
            "Read a.py  900 tokens not sent: a diff against the result above stands for it",
        ),
        (
            event("trimmed", tokens=900),
            "trimmed",
            "Read a.py  900 tokens not sent: its ends and the lines that matter stand for it",
        ),
        (
            event("expanded", tokens=900),
            "expanded",
            "Read a.py  900 tokens sent whole: the client took away what it referred to",
        ),
        (
            event("flushed", "cold", 22_500, None, pages=3),
            "flushed",
            "cold: 3 pages, 22.5k tokens off the window",
        ),
        (
            event("rewound", "edited", None, None, at=12, gone=1),
            "rewound",
            "history edited from message 12 on, 1 page no longer sent",
        ),
        (event("frozen", "refused", None, None), "frozen", "only observed from now on: refused"),
        (event("stopped", "lost", None, None), "stopped", "no more pages leave from now on: lost"),
        (
            event("stripped", None, 1_500, None, blocks=2),
            "stripped",
            "2 blocks of thinking, 1.5k tokens, given up with a flush",
        ),
        (
            event("returned", None, 1_500, None, pages=1),
            "returned",
            "1 page, 1.5k tokens back in place: the client returned into a tool loop",
        ),
        (
            event("dropped", "prefix", None, None, blocks=2, path="messages.3", edited=True),
            "dropped",
            "2 blocks of thinking from messages.3 on: prefix",
        ),
        (
            event("dropped", "prefix", None, None, blocks=1, path="messages.3", edited=False),
            "dropped",
            "1 block of thinking from messages.3 on: prefix; nothing had been edited",
        ),
        (
            event("missed", "tools_changed", 1_500, None),
            "missed",
            "the provider's cache: tools_changed, 1.5k tokens",
        ),
        (event("missed", "other", 0, None), "missed", "the provider's cache: other"),
        (
            event("shortened", "unused in 2 earlier sessions", 1_500, None, tools=3),
            "shortened",
            "3 tool definitions unused in 2 earlier sessions, about 1.5k tokens off every request",
        ),
        (
            event("called", None, 800, None, tool="Workflow"),
            "called",
            "Workflow: its definition, 800 tokens, had not been sent in full",
        ),
        (
            event("restored", "cold", 800, None, tool="Workflow"),
            "restored",
            "Workflow: cold, 800 tokens in full again",
        ),
        (
            event("cleared", "asked by us", 40_000, None, pages=12),
            "cleared",
            "12 tool results, 40.0k tokens, by the provider, asked by us",
        ),
        (
            event("asked", "answered", 1_500, None, tool="memory_fault"),
            "asked",
            "memory_fault: answered, 1.5k tokens",
        ),
        (
            event("asked", "unknown page", 0, None, tool="tag drop"),
            "asked",
            "tag drop: unknown page",
        ),
        (
            event("released", "done with it"),
            "released",
            'Read a.py  leaves with the next flush, says the model: "done with it"',
        ),
        (
            event("released", ""),
            "released",
            "Read a.py  leaves with the next flush, says the model",
        ),
        (
            event("collapsed", None, 31_000, None, turns=[2, 13], pages=9, handle="AAAA"),
            "collapsed",
            "turns 2 to 13, 9 pages, 31.0k tokens off the window: a summary by the model stands "
            "for them, page AAAA",
        ),
        (
            event("advised", "involuntary", 101_000, None),
            "advised",
            "the model was told that its window is in the involuntary zone, 101.0k tokens",
        ),
        (
            event("unsaid", "edited", None, None, at=12),
            "unsaid",
            "what the client had not been shown from message 12 on is not sent: edited",
        ),
        (
            event("thrashed", None, 16_000, None, start=12, faults=4, pages=3),
            "thrashed",
            "4 refetches of 3 pages, 16.0k tokens, since turn 12: pages leave that are in use",
        ),
        (
            event("eased", None, None, None, tau=8, pins=3, until=31),
            "eased",
            "flushes that cost anything wait until turn 31, pages stay 8 turns at least, "
            "3 pages pinned for longer",
        ),
        (
            event("recovered", None, 20_000, None, start=12, last=19, faults=5, bounced=1),
            "recovered",
            "turns 12 to 19 over: 5 refetches, 20.0k tokens, 1 page twice or more",
        ),
        (event("failed", "KeyError", None, None), "failed", "KeyError"),
        (event("passed", "too big", None, None, detail="40 MB"), "passed", "too big: 40 MB"),
        (
            event("tls_failed", None, None, None, host="api.x.com"),
            "tls failed",
            "api.x.com: the client refused the certificate",
        ),
        (event("unheard_of", "why"), "unheard of", "Read a.py: why"),
    ],
)
def test_every_kind_of_event_is_told_in_words(happened, name, story):
    assert (name_of(happened)[0], story_of(happened)) == (name, story)
    assert len(name) <= NAME_WIDTH


PLAIN = {"failed", "passed", "warned"}
"""Kinds whose reason says it all."""


def test_no_event_is_without_words():
    assert {kind.__name__.lower() for kind in Event.__value__.__args__} - _STORIES.keys() == PLAIN
