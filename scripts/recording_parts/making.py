"""A recording of some size in a database: session by session, in the tables that it has."""

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sqlite_utils import Database

from pichay_core.birth.choice import Birth
from pichay_core.store.schema import open_for_writing
from recording_parts.bills import Row
from recording_parts.cast import CLIENTS, PROJECTS, TOOLS, compressed, text_of
from recording_parts.course import Course, Part
from recording_parts.size import BIG, DAY, DAYS, SMALL, SMALL_END, Size, shares

TABLES = (
    *("sessions", "turns", "pages", "contents", "events", "messages", "flushes", "asides"),
    *("heard", "episodes", "definitions", "calibrations"),
)
MODES = ("observe", "page", "page", "full", "full")
MOST_CONTENT = 40_000
"""Bytes of a text that is kept."""


def make(path: Path, size: Size = BIG, seed: int = 1, until: float = SMALL_END) -> None:
    """Make a new database of that size; its last session ends about *until*."""
    db = open_for_writing(path)
    for one in fill(db, size, seed, until):
        del one
    db.conn.execute("analyze")
    db.conn.close()


def fill(
    db: Database, size: Size = SMALL, seed: int = 1, until: float = SMALL_END
) -> Iterator[str]:
    """Fill the tables of a database, of whatever version; yield each session's id when it is in.

    What its tables have no column for is left out.
    """
    writer = _Writer(db)
    drawn = random.Random(seed)
    families = _Families(drawn)
    starts = sorted(until - DAY * DAYS * drawn.random() ** 1.5 for _ in range(size.sessions))
    for number, turns in enumerate(shares(size, drawn)):
        part = _part(number, turns, size, families, drawn)
        # A long session begins so much earlier.
        course = Course(part, starts[number] - 110 * turns, drawn)
        began = course.at
        course.play()
        writer.put(_rows(course, began, families, drawn))
        yield part.session
    writer.put({"calibrations": _calibrations(), "events": _outside(starts, drawn)})


class _Families:
    """Which sessions belong together."""

    def __init__(self, drawn: random.Random) -> None:
        self._drawn = drawn
        self.parent: dict[str, str | None] = {}
        self.identity: dict[str, str] = {}
        self._mains: list[Part] = []

    def kin(self, part: Part) -> Part:
        """Return the part as it is within its family; puts down who its parent is."""
        alone = part.kind == "main" or not self._mains
        parent = None if alone else self._drawn.choice(self._mains[-6:])
        self.parent[part.session] = parent and parent.session
        own = random.Random(part.session).randbytes(16).hex()
        self.identity[part.session] = self.identity[parent.session] if parent else own
        if parent is None:
            part = part._replace(kind="main")
            self._mains.append(part)
            return part
        return part._replace(client=parent.client, project=parent.project, mode=parent.mode)


def _part(
    number: int, turns: int, size: Size, families: _Families, drawn: random.Random
) -> Part:  # fmt: skip
    client = drawn.choices(CLIENTS, [client.weight for client in CLIENTS])[0]
    kind = drawn.choices(("main", "subagent", "side", "fork"), (60, 28, 8, 4))[0]
    model = drawn.choice(client.models)
    if number < len(CLIENTS):  # Every client appears, in the smallest recording too.
        client, kind, model = CLIENTS[number], "main", CLIENTS[number].models[0]
    part = Part(
        session=f"{0x6A000000 + number * 977:08x}{drawn.randbytes(3).hex()}",
        kind=kind if turns < size.turns / size.sessions * 3 else "main",
        client=client,
        model=model,
        project=drawn.choice(PROJECTS),
        mode=drawn.choice(MODES),
        turns=turns,
        pages=size.pages / size.turns,
        events=size.events / size.turns,
        thrashes=turns > 50 and drawn.random() < 0.5,
    )
    found = families.kin(part)
    if found.thrashes and found.mode == "observe":
        found = found._replace(mode="page")
    return found if found.model in found.client.models else found._replace(
        model=found.client.models[0]
    )  # fmt: skip


def _rows(
    course: Course, began: float, families: _Families, drawn: random.Random
) -> dict[str, Iterable[Row]]:
    session = course.part.session
    digests = list(enumerate(course.digests()))
    messages = [{"session": session, "position": at, "digest": digest} for at, digest in digests]
    legs = [row for row in course.rows["turns"] if row["leg"]]
    return {
        "sessions": [_session(course, began, families)],
        **course.rows,
        "pages": [page.row(session) for page in course.pages],
        "contents": _contents(course),
        "messages": messages,
        "heard": messages if legs else [],
        "flushes": course.flushes,
        "asides": [_aside(session, row) for row in legs],
        "episodes": course.episodes,
        "definitions": _definitions(course.part),
    }


def _session(course: Course, began: float, families: _Families) -> Row:
    part = course.part
    drawn = random.Random(part.session)
    birth = Birth(told=part.mode == "full", once=True, why="", offers=("memory_fault",))
    last = course.standing[-1].id if course.standing else None
    return {
        "id": part.session,
        "identity": families.identity[part.session],
        "shape": drawn.randbytes(16).hex(),
        "secret": drawn.randbytes(16),
        "kind": part.kind,
        "parent": families.parent[part.session],
        "model": part.model,
        "credential": drawn.choice(("api key", "subscription")),
        "source": "header" if part.client.name == "claude-cli" else "content",
        "started_at": began,
        "last_at": course.at,
        "turn": course.turn,
        "requests": course.request,
        "ttl": 300,
        "flushed": course.flushed,
        "boundary": last,
        "previous": None,
        "front": f"{drawn.randbytes(16).hex()}/{part.model}",
        "failures": 0,
        "frozen": "refused by the provider" if drawn.random() < 0.01 else None,
        "warned": "",
        "cached": course.books.cached,
        "untouched_cached": course.books.untouched,
        "edited": int(course.edited),
        "binds": 0,
        "birth": birth.as_text() if part.mode == "full" else None,
        "mode": part.mode,
        "cleared_pages": 0,
        "cleared_tokens": 0,
        "client": part.client.name,
        "project": part.project,
        "held": None,
        "stripped": 0,
        "folds": None,
        "notes": None,
        "wire": part.client.wire,
        "provider": part.client.provider,
    }


def _definitions(part: Part) -> Iterator[Row]:
    """Yield how large the definition of each tool is, and how large it is sent."""
    for number, tool in enumerate(TOOLS):
        size = 700 + 450 * number
        yield {
            "session": part.session,
            "tool": tool.name,
            "request": 1,
            "bytes": size,
            "sent_bytes": size // 3 if part.mode == "full" and number > 4 else size,
        }


def _contents(course: Course) -> Iterator[Row]:
    """Yield the texts of what left; other sessions may have kept the same ones."""
    for page in course.pages:
        if page.moved is not None:
            text = text_of(page.digest, min(MOST_CONTENT, page.bytes))
            yield {
                "digest": page.digest,
                "bytes": len(text),
                "zstd": compressed(text),
                "first_at": course.at,
            }


def _aside(session: str, turn: Mapping[str, object]) -> Row:
    call = {"type": "tool_use", "id": "toolu_1", "name": "memory_fault", "input": {"page": "A"}}
    answer = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "[the page]"}
    return {
        "session": session,
        "at": turn["messages"],
        "leg": 0,
        "reply": json.dumps([[call, None, False]]),
        "results": json.dumps([answer]),
        "goes_on": 1,
        "sent": 1,
    }


def _calibrations() -> Iterator[Row]:
    for model in sorted({model for client in CLIENTS for model in client.models}):
        yield {"model": model, "multiplier": 0.98, "samples": 40}


def _outside(starts: list[float], drawn: random.Random) -> Iterator[Row]:
    """Yield what happened to traffic of no session."""
    nothing = dict.fromkeys(("session", "request", "turn", "page", "tokens"))
    for at in starts:
        yield {**nothing, "at": at, "kind": "passed", "why": "not JSON", "detail": "{}"}
        if drawn.random() < 0.05:
            said = json.dumps({"host": "api.openai.com", "error": "unknown ca"})
            yield {**nothing, "at": at, "kind": "tls_failed", "why": None, "detail": said}


class _Writer:
    """Writes rows into the tables and columns that a database has."""

    def __init__(self, db: Database) -> None:
        self._db = db
        there = [name for name in TABLES if db[name].exists()]
        self._columns = {name: set(db[name].columns_dict) for name in there}

    def put(self, rows: Mapping[str, Iterable[Row]]) -> None:
        """Write all of them in one transaction."""
        with self._db.conn:
            for table in TABLES:
                found = list(rows.get(table, ()))
                if found and table in self._columns:
                    self._insert(table, found)

    def _insert(self, table: str, rows: list[Row]) -> None:
        names = [name for name in rows[0] if name in self._columns[table]]
        marks = ", ".join(f":{name}" for name in names)
        how = "insert or ignore" if table == "contents" else "insert"
        sql = f"{how} into {table} ({', '.join(names)}) values ({marks})"
        self._db.conn.executemany(sql, rows)
