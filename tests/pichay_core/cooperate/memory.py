"""A model that uses its memory tools: a conversation as the model sees it, call by call."""

import json
from typing import Any

from pichay_core.cooperate.answers import Answer, Answered, answer, means_of
from pichay_core.model import Handle
from pichay_core.stubs import handle_of
from pichay_core.table import Entry
from pichay_core.tools import FAULT, MEMORY
from pichay_core.turn import Rules, Turn
from pichay_core.wire.reply import Ask
from tests.builders import Course, Talk, rules


class Cooperation:
    """Drives turns and answers together, as live traffic does, without shell and store."""

    def __init__(self, given: Rules | None = None, **fields: Any) -> None:
        self.course = Course(given or rules(schedule="batch", tau=1, flush_tokens=1))
        self.talk = Talk()
        self.fields = fields
        self.turns: list[Turn] = []
        self.answers: list[Answered] = []
        self.take()

    @property
    def session(self):
        return self.course.session

    @property
    def table(self):
        return self.course.session.table

    def take(self) -> Turn:
        """The conversation so far goes upstream."""
        self.course.at += 10.0
        self.request = self.course.request(self.talk, **self.fields)
        self.turns.append(self.course.hand(self.request))
        return self.turns[-1]

    def read(self, path: str, text: object = None, **given: Any) -> Turn:
        self.talk.read(path, text, **given)
        return self.take()

    def ask(self, tool: str, **given: object) -> Answer:
        """The model calls a tool of ours; its answer goes upstream behind it."""
        (said,) = self.said(Ask(f"m{len(self.answers)}", tool, json.dumps(given).encode())).results
        self.talk.call(tool, said.text, id=f"m{len(self.answers)}", **given,
                       more={"is_error": True} if said.error else {})  # fmt: skip
        self.take()
        return said

    def said(self, *asks: Ask) -> Answered:
        """What calls are answered with; nothing goes upstream yet."""
        means = means_of(self.session, self.request, self.course.stored, self.course.rules.limits)
        self.answers.append(answer(self.session, asks, means))
        self.course.session = self.answers[-1].session
        return self.answers[-1]

    def page(self, label: str) -> Entry:
        """The newest page that an ordinary call brought."""
        found = [e for e in self.pages() if e.page.call.tool not in MEMORY]
        return next(e for e in reversed(found) if e.page.call.label == label)

    def recalled(self) -> Entry:
        """The newest page that a recall brought."""
        return next(e for e in reversed(self.pages()) if e.page.call.tool == FAULT)

    def pages(self) -> list[Entry]:
        return list(self.table.entries.values())

    def handle(self, label: str) -> Handle:
        return handle_of(self.page(label).page.id, self.session.secret)

    def events(self, kind: type) -> list[Any]:
        found = [e for turn in self.turns for e in turn.events if isinstance(e, kind)]
        return found + [e for one in self.answers for e in one.events if isinstance(e, kind)]


def paged(*paths: str, given: Rules | None = None, **fields: Any) -> Cooperation:
    """A conversation in which these files were read, and all but the last have left."""
    cooperation = Cooperation(given, **fields)
    for path in (*paths, "last.py"):
        cooperation.read(path)
    return cooperation
