"""Rows of one session that are sums over it: turns, flushes, episodes."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from pichay_core.store.shape import TAUS, WORKING_TURNS
from recording_parts.bills import Row
from recording_parts.paged import Made

if TYPE_CHECKING:
    from recording_parts.course import Course


class Held(NamedTuple):
    """What a window holds: the tokens sent, those of pages that are out, and the columns of it."""

    sent: int
    resident: int
    out_tokens: int
    out_pages: int
    row: Row


def window(course: Course) -> Held:
    """Return what the window of the turn holds."""
    from recording_parts.course import FRONT, LIMIT, STUB

    kinds, used = Counter[str](), Counter[int]()
    out_pages = out_tokens = pinned = 0
    for page in course.standing:
        used[course.turn - page.last_use] += page.tokens
        if page.out:
            out_pages, out_tokens = out_pages + 1, out_tokens + page.tokens
            continue
        kinds[page.tool.kind] += page.tokens
        pinned += page.tokens if page.pin_since is not None else 0
    curve = {tau: sum(size for ago, size in used.items() if ago < tau) for tau in TAUS}
    resident = kinds.total()
    row: Row = {
        "window_limit": LIMIT,
        "front_tokens": FRONT,
        "talk_tokens": course.talk,
        "thought_tokens": course.thought,
        **{f"{kind}_tokens": kinds[kind] for kind in ("read", "query", "run", "write")},
        "stub_tokens": STUB * out_pages,
        "pinned_tokens": pinned,
        "working_tokens": curve[WORKING_TURNS],
        "working_curve": json.dumps({str(tau): size for tau, size in curve.items()}),
    }
    sent = FRONT + course.talk + course.thought + resident + STUB * out_pages
    return Held(sent, resident, out_tokens, out_pages, row)


def turn(
    course: Course, held: Held, removed: int, flush: Row | None, faults: Sequence[Made]
) -> Row:
    """Return the columns of a turn that say what paging did to it."""
    part, drawn = course.part, course.drawn
    edited = course.edited
    pending = sum(page.tokens for page in course.waiting[-20:])
    held_back = 0 if part.mode != "observe" else pending
    leg = int(part.mode == "full" and drawn.random() < 0.03 and course.request > 1)
    return {
        "session": part.session,
        "request": course.request,
        "turn": course.turn,
        "at": course.at,
        "model": part.model,
        "outcome": "edited" if edited else drawn.choices(("as_is", "observed"), (9, 1))[0],
        "why": None,
        "messages": course.messages,
        "bytes_before": 4 * (held.sent + removed),
        "bytes_after": 4 * held.sent,
        "front_bytes": 84_000,
        "removed_tokens": removed,
        "refetched_tokens": sum(page.tokens for page in faults),
        "resident_tokens": held.resident,
        "pending_tokens": pending,
        "flushed": flush and flush["why"],
        "held_pages": len(course.waiting) if held_back else 0,
        "held_tokens": held_back,
        "held_why": "observing" if held_back else None,
        "overhead_microseconds": 800 + int(drawn.expovariate(1 / 1_500)),
        "leg": leg,
        "asked": int(drawn.random() < 0.03),
        **_born(part.mode, part.client.name),
    }


def _born(mode: str, client: str) -> Row:
    small = mode == "full" and client == "claude-cli"
    return {
        "definitions_tokens": 3_100 if small else 0,
        "protocol_tokens": 420 if mode == "full" else 0,
        "shortened_tokens": 250 if small else 0,
        "thinking_tokens": 0,
        "cleared_tokens": 0,
        "birth_saved_tokens": 290.5 if small else 0.0,
        "birth_saved_dollars": 0.0009 if small else None,
    }


def flush(course: Course, pages: Sequence[Made], why: str) -> Row:
    tokens = sum(page.tokens for page in pages)
    return {
        "session": course.part.session,
        "turn": course.turn,
        "request": course.request,
        "at": course.at,
        "why": why,
        "pages": len(pages),
        "tokens": tokens,
        "predicted_saving_tokens": tokens // 10,
        "predicted_rewrite_tokens": 12_000,
        "paid_tokens": tokens // 10 * 6,
        "requests": 0,
        "saved_tokens": 0.0,
        "rewritten_tokens": 12_000.0,
        "faulted_tokens": 0.0,
        "saved_dollars": 0.0,
        "rewritten_dollars": 0.036,
        "faulted_dollars": 0.0,
        "paid_back": None,
    }


def repay(flushes: Sequence[Row], turn: Row) -> None:
    """Let the latest flushes bring what they do in one more billed request."""
    if turn["input_tokens"] is None:
        return
    for row in flushes[-6:]:
        row["requests"] += 1  # type: ignore[operator]
        row["saved_tokens"] += row["tokens"] / 10  # type: ignore[operator]
        row["saved_dollars"] += row["tokens"] * 3e-7  # type: ignore[operator]
        if row["paid_back"] is None and row["saved_tokens"] >= row["rewritten_tokens"]:
            row["paid_back"] = row["requests"]


def episode(session: str, course: Course, faults: Sequence[Made]) -> Row:
    return {
        "session": session,
        "start": course.turn,
        "noticed": course.turn,
        "ended": None,
        "request": course.request,
        "at": course.at,
        "ended_at": None,
        "tau": 32,
        "pins": len(faults),
        "held": 1,
        "dollars": 0.0,
        **dict.fromkeys(("faults", "tokens", "bounced", "cost_tokens"), 0),
        "pages": "{}",
    } | _faulted({}, faults)


def lasting(row: Row, faults: Sequence[Made]) -> None:
    row |= _faulted(row, faults)


def _faulted(row: Row, faults: Sequence[Made]) -> Row:
    pages: dict[str, int] = json.loads(row.get("pages", "{}"))
    tokens = row.get("tokens", 0) + sum(page.tokens for page in faults)
    for page in faults:
        name = f"{page.tool.name} {page.label}"
        pages[name] = pages.get(name, 0) + 1
    return {
        "faults": row.get("faults", 0) + len(faults),
        "tokens": tokens,
        "cost_tokens": 1.1 * tokens,
        "dollars": 3.3e-6 * tokens,
        "bounced": sum(times > 1 for times in pages.values()),
        "pages": json.dumps(pages),
    }


def handle(page: str, session: str) -> str:
    digest = hashlib.blake2b(page.encode(), key=session.encode(), digest_size=5).digest()
    return base64.b32encode(digest).decode()
