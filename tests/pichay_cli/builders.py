"""Recordings for tests: rows as the recorder writes them, with plain defaults.

``NOW`` is the moment at which they are looked at.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import zstandard
from sqlite_utils import Database

from pichay_core.cooperate.fold import Fold, as_text
from pichay_core.model import Handle
from pichay_core.store.schema import migrations, open_for_writing

NOW = 1_750_000_000.0
SONNET = "claude-sonnet-4-5"


@dataclass
class Recording:
    """A database under construction."""

    path: Path
    db: Database = field(init=False)

    def __post_init__(self):
        self.db = open_for_writing(self.path)

    def session(self, name="a" * 32, **changed):
        row = {
            "id": name,
            "identity": "i",
            "shape": "s",
            "secret": b"0" * 16,
            "kind": "main",
            "parent": None,
            "model": SONNET,
            "credential": "api key",
            "source": "header",
            "started_at": NOW - 600,
            "last_at": NOW - 60,
            "turn": 0,
            "requests": 0,
            "ttl": 300,
            "flushed": None,
            "boundary": None,
            "previous": None,
            "front": "",
            "failures": 0,
            "frozen": None,
            "warned": "",
            "cached": 0,
            "untouched_cached": 0,
        }
        self.db["sessions"].insert(row | changed)
        return name

    def turn(self, session, request, billed=None, untouched=None, dollars=None, **changed):
        """One request. *billed* and *untouched* are (input, cache read, cache write, output),
        *dollars* is (with, without)."""
        row = {
            "session": session,
            "request": request,
            "turn": request,
            "at": NOW - 600 + 10 * request,
            "model": SONNET,
            "outcome": "as_is",
            "why": None,
            "messages": 2 * request,
            "bytes_before": 1000,
            "bytes_after": 1000,
            "removed_tokens": 0,
            "refetched_tokens": 0,
            "resident_tokens": 0,
            "pending_tokens": 0,
            "flushed": None,
            "held_pages": 0,
            "held_tokens": 0,
            "held_why": None,
            "overhead_microseconds": 400,
            "status": None,
        }
        bill = {} if billed is None else _bill(billed, untouched or billed, dollars)
        self.db["turns"].insert(row | bill | changed)

    def event(self, session, request, kind, page=None, tokens=None, why=None, **detail):
        at = detail.pop("at", NOW - 600 + 10 * (request or 0))
        turn = detail.pop("turn", request)
        self.db["events"].insert(
            {
                "session": session,
                "request": request,
                "turn": turn,
                "at": at,
                "kind": kind,
                "page": page,
                "tokens": tokens,
                "why": why,
                "detail": json.dumps(detail),
            }
        )

    def page(self, session, name, label, handle=None, content=None, **changed):
        text = content if content is not None else f"text of {name}\n"
        row = {
            "session": session,
            "id": name,
            "position": 0,
            "handle": handle,
            "call_id": f"toolu_{name}",
            "tool": "Read",
            "arguments": "{}",
            "label": label,
            "kind": "read",
            "key_tool": "Read",
            "key_target": label,
            "span_first": 1,
            "span_last": None,
            "writes": None,
            "digest": f"digest of {text}",
            "bytes": len(text.encode()),
            "lines": text.count("\n"),
            "tokens": 1000,
            "counted_tokens": None,
            "error": 0,
            "opaque": 0,
            "cleared": 0,
            "state": "resident" if handle is None else "evicted",
            "born": 1,
            "last_use": 1,
            "uses": 0,
            "faults": 0,
            "pin_strength": None,
            "pin_since": None,
            "moved": None if handle is None else 5,
            "stale": 0,
            "repairs": None,
            "repaired_stale": 0,
        }
        self.db["pages"].insert(row | changed)
        if content is not None:
            self.text(f"digest of {text}", text)

    def text(self, digest, text):
        """A text that is kept."""
        self.db["contents"].insert(
            {
                "digest": digest,
                "bytes": len(text.encode()),
                "zstd": zstandard.ZstdCompressor().compress(text.encode()),
                "first_at": NOW - 500,
            },
            ignore=True,
        )

    def flush(self, session, turn, **changed):
        """One flush; its amounts are those of a batch that has paid for itself."""
        row = {
            "session": session,
            "turn": turn,
            "request": turn,
            "at": NOW - 600 + 10 * turn,
            "why": "batch",
            "pages": 3,
            "tokens": 22_500,
            "predicted_saving_tokens": 2_250,
            "predicted_rewrite_tokens": 20_000,
            "paid_tokens": 9_000,
            "requests": 12,
            "saved_tokens": 27_000.0,
            "rewritten_tokens": 21_500.0,
            "faulted_tokens": 0.0,
            "saved_dollars": 0.081,
            "rewritten_dollars": 0.0645,
            "faulted_dollars": 0.0,
            "paid_back": 10,
        }
        self.db["flushes"].insert(row | changed)

    def episode(self, session, start, pages=(), **changed):
        """An episode of thrash; *pages* are (id, times that it came back)."""
        returns = dict(pages)
        row = {
            "session": session,
            "start": start,
            "noticed": start + 1,
            "ended": start + 17,
            "request": start + 1,
            "at": NOW - 600 + 10 * (start + 1),
            "ended_at": NOW - 600 + 10 * (start + 17),
            "faults": sum(returns.values()),
            "tokens": 4_000 * sum(returns.values()),
            "bounced": sum(times > 1 for times in returns.values()),
            "pages": json.dumps(returns),
            "tau": 8,
            "pins": len(returns),
            "held": 5,
            "cost_tokens": 5_000.0 * sum(returns.values()),
            "dollars": 0.015 * sum(returns.values()),
        }
        self.db["episodes"].insert(row | changed)

    def collapsed(self, session, request, handle, turns=(2, 13), summary=None, text="the turns"):
        """Turns that left the window, and the summary that stands for them, if one does."""
        first, until, digest = 3, 27, f"digest of {handle}"
        detail = {"first": first, "last": until - 1, "turns": turns, "digest": digest}
        self.event(session, request, "collapsed", tokens=31_000, **detail, pages=9, handle=handle)
        self.text(digest, text)
        if summary is not None:
            fold = Fold(first, until, turns, summary, Handle(handle), digest, request, done=request)
            self.db["sessions"].update(session, {"folds": as_text((fold,))})

    def message(self, session, position, table="messages"):
        self.db[table].insert(
            {"session": session, "position": position, "digest": bytes([position])}
        )

    def heard(self, session, position):
        self.message(session, position, "heard")

    def aside(self, session, at, leg=1, reply="[]", results="[]"):
        self.db["asides"].insert(
            {
                "session": session,
                "at": at,
                "leg": leg,
                "reply": reply,
                "results": results,
                "goes_on": 1,
                "sent": 1,
            }
        )


def _bill(billed, untouched, dollars):
    names = ("input", "cache_read", "cache_write_5m", "output")
    plain = ("input", "cache_read", "cache_write", "output")
    return {
        "status": 200,
        "cache_write_1h_tokens": 0,
        **{f"{name}_tokens": tokens for name, tokens in zip(names, billed, strict=True)},
        **{f"untouched_{n}_tokens": t for n, t in zip(plain, untouched, strict=True)},
        "dollars": dollars and dollars[0],
        "untouched_dollars": dollars and dollars[1],
        "prefix_broken": 0,
    }


def paged(path):
    """A session that was paged and saved money: a flush, two faults, a pin, a subagent."""
    made = Recording(path)
    one = made.session("3f2a" + "0" * 28, turn=4, requests=4)
    made.turn(one, 1, (10, 0, 40_000, 500), dollars=(0.16, 0.16))
    made.turn(one, 2, (10, 40_000, 30_000, 500), dollars=(0.13, 0.13), pending_tokens=22_000)
    made.turn(
        one, 3, (10, 12_000, 40_000, 500), (10, 70_000, 5_000, 500), (0.16, 0.05),
        outcome="edited", flushed="batch", removed_tokens=23_010, prefix_broken=1,
    )  # fmt: skip
    made.turn(
        one, 4, (10, 52_000, 3_000, 400), (10, 150_000, 9_000, 500), (0.03, 0.39),
        outcome="edited", removed_tokens=23_010,
    )  # fmt: skip
    made.page(one, "p1", "src/app.py", "AAAAAAAA", "one\ntwo\n", moved=3)
    made.page(one, "p2", "src/io.py", "BBBBBBBB", "three\n", moved=3)
    made.page(one, "p3", "ls -la", "CCCCCCCC", state="collected", tool="Bash", kind="run", moved=3)
    made.page(one, "p4", "src/app.py", faults=1, born=4, pin_strength=1.0, pin_since=4)
    made.event(one, 3, "flushed", tokens=22_500, why="batch", pages=3)
    made.event(one, 3, "evicted", "p1", 9_000, handle="AAAAAAAA", age=4)
    made.event(one, 3, "evicted", "p2", 12_000, handle="BBBBBBBB", age=4)
    made.event(one, 3, "collected", "p3", 1_500, "ephemeral", handle="CCCCCCCC", age=4)
    made.event(one, 4, "faulted", "p1", 9_000, "refetch", by="p4", away=1)
    made.event(one, 4, "pinned", "p4", strength=1.0)
    two = made.session(
        "77b1" + "0" * 28, kind="subagent", parent=one, turn=1, requests=1, last_at=NOW - 7_200
    )
    made.turn(two, 1, (5, 0, 8_000, 100), dollars=(0.03, 0.03), at=NOW - 7_200)
    return made


def flushed(path):
    """The same session with more flushes: one that paid, one that does not yet, one whose pages
    are gone, one not billed yet; and a little that came of none of them."""
    made = paged(path)
    one = "3f2a" + "0" * 28
    made.flush(one, 3, saved_dollars=0.4, rewritten_dollars=0.06)
    made.page(one, "p5", "src/db.py", "EEEEEEEE", moved=4)
    made.flush(
        one, 4, why="break-even", pages=1, tokens=1_200, predicted_saving_tokens=120,
        predicted_rewrite_tokens=4_321, requests=3, saved_tokens=360.0, rewritten_tokens=4_000.0,
        faulted_tokens=9_000.0, saved_dollars=0.001, rewritten_dollars=0.012,
        faulted_dollars=0.027, paid_back=None,
    )  # fmt: skip
    made.flush(
        one, 5, why="cold", pages=2, tokens=9_000, predicted_rewrite_tokens=0, requests=1,
        saved_tokens=900.0, rewritten_tokens=1_000.0, saved_dollars=0.0027,
        rewritten_dollars=0.003, paid_back=None,
    )  # fmt: skip
    made.page(one, "p6", "src/new.py", "FFFFFFFF", moved=6)
    made.flush(
        one, 6, requests=0, saved_tokens=0.0, rewritten_tokens=0.0, saved_dollars=None,
        rewritten_dollars=None, faulted_dollars=None, paid_back=None,
    )  # fmt: skip
    return made


def born(path):
    """A session of ten requests that was sent smaller from the first one on."""
    made = Recording(path)
    one = made.session(requests=10, turn=10)
    for request in range(1, 11):
        made.turn(
            one,
            request,
            (100, 20_000, 1_000, 10),
            (100, 26_000, 1_000, 10),
            (0.01, 0.012),
            outcome="edited",
            definitions_tokens=6_200,
            protocol_tokens=134,
            shortened_tokens=50,
            birth_saved_tokens=600.0,
            birth_saved_dollars=0.002,
        )
    made.event(one, 4, "called", tokens=1_200, why="Agent")
    return made


def cooperating(path):
    """A session of four requests, to answer the model of which we made two more."""
    made = Recording(path)
    one = made.session("c0" * 16, turn=6, requests=6)
    bills = {
        1: ((10, 0, 50_000, 60), (10, 0, 50_000, 0), (0.19, 0.19)),
        2: ((10, 50_000, 2_000, 500), (0, 0, 0, 500), (0.03, 0.01)),
        3: ((10, 52_000, 1_000, 400), (10, 80_000, 1_000, 400), (0.03, 0.23)),
        4: ((10, 53_000, 500, 40), (10, 81_000, 500, 0), (0.02, 0.08)),
        5: ((10, 53_000, 0, 300), (0, 0, 0, 300), (0.02, 0.01)),
        6: ((10, 53_500, 1_000, 300), (10, 82_000, 1_000, 300), (0.02, 0.04)),
    }
    for request, (billed, untouched, money) in bills.items():
        also = {"leg": int(request in (2, 5)), "asked": {1: 1, 4: 2}.get(request, 0)}
        made.turn(one, request, billed, untouched, money, outcome="edited", **also)
    made.page(one, "p1", "src/app.py", "AAAAAAAA", moved=1)
    made.page(one, "p2", "src/io.py", "BBBBBBBB", moved=1)
    made.page(one, "p3", "src/db.py", pin_strength=4.0, pin_since=4)
    made.page(one, "p4", "AAAAAAAA", tool="memory_fault")
    made.event(one, 1, "advised", tokens=66_000, why="advisory")
    made.event(one, 1, "asked", tokens=3_100, why="answered", tool="memory_fault")
    made.event(one, 2, "faulted", "p1", 3_000, "recall", by="p4", away=4)
    made.event(one, 2, "pinned", "p4", strength=1.0)
    made.event(one, 4, "asked", tokens=3_170, why="answered", tool="memory_fault")
    made.event(one, 4, "asked", tokens=30, why="unknown page", tool="memory_fault")
    made.event(one, 5, "faulted", "p2", 3_000, "recall", by="p5", away=3)
    made.event(one, 4, "asked", tokens=60, why="answered", tool="memory_release")
    made.event(one, 4, "released", "p3", why="the task is done")
    made.event(one, 4, "released", "p2", why="")
    made.event(one, 4, "asked", tokens=0, why="answered", tool="tag anchor")
    made.event(one, 4, "pinned", "p3", strength=4.0)
    made.collapsed(one, 6, "CCCCCCCC", summary="The table is in order.")
    made.event(one, 6, "advised", tokens=101_000, why="involuntary")
    made.event(one, 6, "unsaid", why="the reply was edited")
    return made


def older(path):
    """A recording of version 0.3, of one request."""
    db = Database(path)
    migrations.apply(db, stop_before="what_the_client_was_not_shown")
    made = Recording.__new__(Recording)
    made.path, made.db = path, db
    made.turn(made.session(turn=1, requests=1), 1, (10, 0, 100, 5), dollars=(0.5, 0.5))
    db.conn.commit()
    db.conn.close()


def losing(path):
    """A session that lost money and tokens, thrashing."""
    made = Recording(path)
    one = made.session(turn=2, requests=2)
    made.turn(
        one, 1, (10, 2_000, 30_000, 500), (10, 30_000, 1_000, 500), (0.12, 0.02), outcome="edited"
    )
    made.turn(one, 2, (10, 0, 30_000, 500), (0, 0, 0, 0), (0.12, 0.0), outcome="edited")
    for number in range(4):
        made.page(one, f"p{number}", f"f{number}.py", f"HANDLE{number}", faults=number)
        made.event(one, 1, "evicted", f"p{number}", 1_000, handle=f"HANDLE{number}", age=4)
        made.event(one, 2, "faulted", f"p{number}", 1_000, "refetch", by="x", away=1)
    return made


def held(path):
    """A session of a model without a price, in which everything was held back; and traffic
    that belongs to no session."""
    made = Recording(path)
    one = made.session(model="claude-next", turn=2, requests=3, frozen="refused by the provider")
    why = {"held_pages": 4, "held_tokens": 12_300, "held_why": "thinking binds history"}
    made.turn(one, 1, (10, 0, 20_000, 500), model="claude-next", **why)
    made.turn(one, 2, (10, 20_000, 900, 500), model="claude-next", **why)
    made.turn(one, 3, model="claude-next", outcome="observed", why="subscription login")
    made.event(None, None, "passed", why="not JSON", at=NOW - 100)
    made.event(None, None, "passed", why="not JSON", at=NOW - 90)
    made.event(None, None, "passed", why="too big", at=NOW - 80)
    made.event(None, None, "tls_failed", host="api.anthropic.com", at=NOW - 70)
    made.event(one, None, "failed", why="KeyError", at=NOW - 60)
    lost = {"blocks": 2, "path": "messages.3.content.0", "edited": False}
    made.event(one, None, "dropped", why="prefix_binding_mismatch", at=NOW - 60, **lost)
    made.event(one, None, "missed", why="tools_changed", at=NOW - 60)
    made.event(one, None, "warned", why="no slot for a marker", at=NOW - 60)
    return made
