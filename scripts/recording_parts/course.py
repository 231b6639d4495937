"""One session, played request by request: pages come, leave with a flush, come back."""

import json
import random
from collections.abc import Iterator
from typing import NamedTuple

from recording_parts import shape
from recording_parts.bills import TTL, UNSETTLED, Books, Row, bill
from recording_parts.cast import TOOLS, Client, label_of
from recording_parts.chatter import filler
from recording_parts.paged import Made, tokens_of

FRONT = 21_000
"""Tokens in front of a conversation."""
LIMIT = 200_000
STUB = 24
AGE = 4
"""Turns until a page may leave."""
BATCH = 8
"""Pages that leave together."""


class Part(NamedTuple):
    """Who plays, and how much: of pages and events so many for each turn."""

    session: str
    kind: str
    client: Client
    model: str
    project: str
    mode: str
    turns: int
    pages: float
    events: float
    thrashes: bool


class Course:
    """A session as it stands; ``rows`` are those that are final, by table."""

    def __init__(self, part: Part, start: float, drawn: random.Random) -> None:
        self.part, self.at, self.drawn = part, start, drawn
        self.turn = self.request = self.messages = 0
        self.talk = self.thought = 0
        self.pages: list[Made] = []
        self.standing: list[Made] = []
        self.waiting: list[Made] = []
        self.left: list[Made] = []
        self.books = Books()
        self.flushes: list[Row] = []
        self.episodes: list[Row] = []
        self.rows: dict[str, list[Row]] = {"turns": [], "events": []}
        self.thrash = False
        self.flushed: int | None = None
        self.edited = False

    def play(self) -> None:
        """Play all turns of the part."""
        while self.turn < self.part.turns:
            self._turn()
        if self.thrash:
            self._ended()

    def _turn(self) -> None:
        self.turn += 1
        self.request += 1
        cold = self._later() > TTL
        self._compacted()
        self._arrive()
        faults = self._fault()
        self._thrash_or_not(faults)
        flush = self._flush()
        self._chat()
        self._put(flush, cold or self.turn == 1, faults)

    def _later(self) -> float:
        passed = 4 + self.drawn.expovariate(1 / 20)
        if self.drawn.random() < 0.03:
            passed += self.drawn.expovariate(1 / 3_000)
        self.at += passed
        return passed

    def _compacted(self) -> None:
        """Let the client sum everything up when its window is full."""
        if FRONT + self.talk + self._resident() < 0.8 * LIMIT:
            return
        for page in self.standing:
            page.state = "gone"
        self._event("rewound", why="compacted", at=1, gone=len(self.standing))
        self.standing, self.waiting, self.left = [], [], []
        self.talk, self.thought, self.messages = 4_000, 0, 1
        self.books.cached = self.books.untouched = FRONT

    def _resident(self) -> int:
        return sum(STUB if page.out else page.tokens for page in self.standing)

    def _arrive(self) -> None:
        self.messages += 1 if self.turn == 1 else 2
        self.talk += int(self.drawn.expovariate(1 / 350))
        self.thought += int(self.drawn.expovariate(1 / 120))
        wanted = self.turn * self.part.pages * self.drawn.uniform(0.8, 1.2)
        for _ in range(max(0, min(60, round(wanted) - len(self.pages)))):
            self._come(None)
        for page in self.drawn.sample(self.standing, min(2, len(self.standing))):
            page.uses += 1
            page.last_use = self.turn

    def _come(self, again: Made | None) -> Made:
        """Let a page come: a new one, or what is asked for *again*."""
        tool = again.tool if again else self.drawn.choices(TOOLS, [t.weight for t in TOOLS])[0]
        label = again.label if again else label_of(tool, self.part.project, self.drawn)
        digest = again.digest if again else self._digest(tool.kind, label)
        page = Made(
            id=self.drawn.randbytes(10).hex(),
            position=len(self.pages),
            tool=tool,
            label=label,
            digest=digest,
            tokens=again.tokens if again else tokens_of(tool, self.drawn),
            born=self.turn,
            request=self.request,
            message=self.messages - 1,
            last_use=self.turn,
        )
        self.pages.append(page)
        self.standing.append(page)
        self.waiting.append(page)
        return page

    def _digest(self, kind: str, label: str) -> str:
        """Return the content's name; a file has few versions, a command's output is new."""
        named = kind == "read" and self.drawn.random() < 0.9
        salt = self.drawn.randrange(3) if named else self.drawn.random()
        return random.Random(f"{label} {salt}").randbytes(16).hex()

    def _fault(self) -> list[Made]:
        """Let some of what is out be asked for again."""
        share = 0.9 if self.thrash or self._begins() else 0.35
        if not self.left or self.drawn.random() > share:
            return []
        asked = self.drawn.sample(self.left, min(len(self.left), 3 if self.thrash else 1))
        return [self._faulted(page) for page in asked]

    def _begins(self) -> bool:
        return self.part.thrashes and self.turn % 60 > 48

    def _faulted(self, page: Made) -> Made:
        drawn = self.drawn.random()
        kinds = (("refetch", 0.45), ("refresh", 0.75), ("widen", 0.9), ("recall", 1.0))
        why = "refetch" if self.thrash else next(k for k, upto in kinds if drawn <= upto)
        back = self._come(page)
        back.faults = page.faults + 1
        away = self.turn - (page.moved or 0)
        self._event("faulted", page.id, page.tokens, why, by=back.id, away=away)
        if why == "refetch":
            back.pin_since = self.turn
            self._event("pinned", back.id, strength=1.0)
        self.left.remove(page)
        return back

    def _thrash_or_not(self, faults: list[Made]) -> None:
        if self._begins() and not self.thrash and faults:
            self.thrash = True
            self._event("thrashed", faults=len(faults), tokens=sum(p.tokens for p in faults))
            self._event("eased", why="pins", tau=16)
            self.episodes.append(shape.episode(self.part.session, self, faults))
        elif self.thrash and self._begins() and faults:
            shape.lasting(self.episodes[-1], faults)
        elif self.thrash and not self._begins():
            self._ended()

    def _ended(self) -> None:
        self.thrash = False
        self.episodes[-1] |= {"ended": self.turn, "ended_at": self.at}
        self._event("recovered", turns=self.turn)

    def _flush(self) -> Row | None:
        """Let what waits leave, if it is enough."""
        ready = [p for p in self.waiting if self.turn - p.born >= AGE and p.pin_since is None]
        if self.part.mode == "observe" or len(ready) < BATCH or self.turn % 3:
            return None
        self.waiting = [page for page in self.waiting if page.pin_since or page not in ready]
        why = self.drawn.choices(("batch", "break-even", "cold", "pressure"), (5, 3, 2, 1))[0]
        row = shape.flush(self, ready, why)
        self._event("flushed", None, row["tokens"], why, pages=len(ready), saves=1, rewrite=1)
        for page in ready:
            self._leave(page)
        self.flushes.append(row)
        self.flushed, self.edited = self.turn, True
        return row

    def _leave(self, page: Made) -> None:
        page.handle = shape.handle(page.id, self.part.session)
        page.moved = self.turn
        kept = page.tool.kind in ("read", "query")
        page.state = "evicted" if kept else "collected"
        why = None if kept else "ephemeral"
        age = self.turn - page.born
        self._event(page.state, page.id, page.tokens, why, handle=page.handle, age=age)
        if kept:
            self.left.append(page)

    def _chat(self) -> None:
        """Fill up with what else happens, and let old pins end."""
        for page in self.standing[-40:]:
            if page.pin_since is not None and self.turn - page.pin_since > 16:
                page.pin_since = None
                self._event("unpinned", page.id, why="decayed")
        due = round(self.turn * self.part.events)
        while len(self.rows["events"]) < due:
            said, detail = filler(self.standing, self.drawn)
            self._event(*said, **detail)

    def _event(
        self, kind: str, page: str | None = None, tokens: object = None, why: str | None = None,
        **detail: object,
    ) -> None:  # fmt: skip
        self.rows["events"].append(
            {
                "session": self.part.session,
                "request": self.request,
                "turn": self.turn,
                "at": self.at,
                "kind": kind,
                "page": page,
                "tokens": tokens,
                "why": why,
                "detail": json.dumps(detail, separators=(",", ":")),
            }
        )

    def _put(self, flush: Row | None, cold: bool, faults: list[Made]) -> None:
        """Put the turn down, billed."""
        held = shape.window(self)
        output = 20 + int(self.drawn.expovariate(1 / 400))
        removed = held.out_tokens - STUB * held.out_pages
        broken = FRONT + self.talk // 2 if flush else None
        columns: Row = dict(UNSETTLED)
        if self.drawn.random() > 0.01:
            columns, _ = bill(
                self.part.client, self.part.model, self.at, self.books, held.sent,
                held.sent + removed, broken, cold, output,
            )  # fmt: skip
        row = shape.turn(self, held, removed, flush, faults) | held.row | columns
        self.rows["turns"].append(row)
        shape.repay(self.flushes, row)

    def digests(self) -> Iterator[bytes]:
        """Yield the names of the messages as they stand."""
        drawn = random.Random(self.part.session)
        for _ in range(self.messages):
            yield drawn.randbytes(16)
