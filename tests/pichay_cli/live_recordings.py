"""A recording with everything in it that the live screen tells."""

import json

from tests.pichay_cli.builders import NOW, Recording

MAIN, SIDE, OLD = "6b02aa" + "0" * 26, "6b02bb" + "0" * 26, "5a10cc" + "0" * 26
KINDS = ("front", "talk", "thought", "read", "query", "run", "write", "stub")
TURNS = 24


def busy(path):
    """Three sessions: one that thrashes, its subagent, and one of yesterday."""
    made = Recording(path)
    made.session(MAIN, turn=TURNS, requests=TURNS, last_at=NOW - 5)
    made.session(SIDE, kind="subagent", model="claude-haiku-4-5", turn=1, requests=1,
                 last_at=NOW - 40, started_at=NOW - 80, parent=MAIN)  # fmt: skip
    made.session(OLD, turn=1, requests=1, last_at=NOW - 90_000, frozen="refused")
    for turn in range(1, TURNS + 1):
        _turn(made, turn)
    made.turn(SIDE, 1, (10, 0, 9_000, 100), dollars=(0.01, 0.01), window_limit=200_000)
    made.turn(OLD, 1, (10, 0, 61_000, 100), (10, 0, 50_000, 100), (0.2, 0.1), at=NOW - 90_000)
    _pages(made)
    _moves(made)
    made.db["episodes"].insert(_episode(12, 15, 20, NOW - 300, 4, 0.21))
    made.db["episodes"].insert(_episode(21, 23, None, NOW - 60, 3, None))
    return made


def _turn(made, turn):
    window, flushed = 30_000 + 9_000 * (turn % 12), "batch" if turn % 12 == 0 else None
    held = (15_000, 8_000, 1_500, window // 2, 4_000, 2_500, 600, 300 if turn > 11 else 0)
    made.turn(
        MAIN,
        turn,
        (10, 0, window, 500) if flushed else (10, window - 5_000, 5_000, 500),
        (10, window + 20_000, 5_000, 500),
        (0.05, 0.07),
        outcome="edited",
        flushed=flushed,
        prefix_broken=int(flushed is not None),
        window_limit=200_000,
        pinned_tokens=9_000,
        working_tokens=41_000,
        working_curve="{}",
        at=NOW - 60 * (TURNS - turn) - 5,
        **{f"{kind}_tokens": tokens for kind, tokens in zip(KINDS, held, strict=True)},
    )


def _pages(made):
    made.page(MAIN, "a1", "src/app.py", "AAAAAAAA", moved=12, tokens=9_000)
    made.page(MAIN, "a2", "src/app.py", "BBBBBBBB", moved=20, tokens=9_000, faults=1)
    made.page(MAIN, "a3", "src/app.py", faults=2, last_use=23, tokens=9_000, pin_strength=2.0)
    made.page(MAIN, "b1", "src/io.py", "CCCCCCCC", moved=12, tokens=4_000)
    made.page(MAIN, "b2", "src/io.py", faults=1, last_use=14, tokens=4_000)
    made.page(MAIN, "c1", "docs/long.md", last_use=2, tokens=12_000)


def _moves(made):
    made.event(MAIN, 12, "evicted", "a1", 9_000, handle="AAAAAAAA", age=4)
    made.event(MAIN, 12, "evicted", "b1", 4_000, handle="CCCCCCCC", age=6)
    made.event(MAIN, 12, "flushed", why="batch", tokens=13_000, pages=2)
    made.flush(MAIN, 12)
    made.event(MAIN, 14, "faulted", "b1", 4_000, "refetch", by="b2", away=2)
    made.event(MAIN, 15, "faulted", "a1", 9_000, "refetch", by="a2", away=3)
    made.event(MAIN, 20, "evicted", "a2", 9_000, handle="BBBBBBBB", age=4)
    made.event(MAIN, 23, "faulted", "a2", 9_000, "refetch", by="a3", away=3)
    made.event(MAIN, 23, "pinned", "a3", strength=2.0)
    made.event(SIDE, 1, "faulted", "x", 700, "refresh", by="y", away=1)
    made.event(None, None, "passed", why="not JSON", at=NOW - 30)


def _episode(start, noticed, ended, at, faults, dollars):
    return {
        "session": MAIN,
        "start": start,
        "noticed": noticed,
        "ended": ended,
        "request": noticed,
        "at": at,
        "ended_at": ended and at + 200,
        "faults": faults,
        "tokens": 9_000 * faults,
        "bounced": 1,
        "pages": json.dumps({"a2": 2, "b2": 1}),
        "tau": 32,
        "pins": 2,
        "held": 1,
        "cost_tokens": 30_000.0,
        "dollars": dollars,
    }
