"""The model's commands carried out on a session, and what it is told of each.

Rule of this file: nothing that the model says can fail, cost without bound, or reach beyond its
own session. What it may ask for in a whole conversation is counted in the page table, where the
answers are pages like any other: a restart counts alike.

``MOST_ASKS`` calls and ``MOST_RECALLED`` bytes of recalled text are answered in one conversation,
``MOST_COMMANDS`` tags in one reply; after that the model is told to use its ordinary tools. A
recall brings no more than the model's window has room for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pichay_core.cooperate.commands import (
    Anchor,
    Collapse,
    Command,
    Recall,
    Release,
    Status,
    Summarize,
)
from pichay_core.cooperate.means import (
    Collapses,
    Means,
    Outcome,
    Read,
    no_collapse,
    no_turns,
)
from pichay_core.cooperate.recalls import LARGEST_ANSWER, recall
from pichay_core.cooperate.status import status
from pichay_core.cooperate.tools import Refusal, command_of
from pichay_core.cooperate.wishes import anchor, release, summarize
from pichay_core.events import Asked, Event
from pichay_core.folding import beyond
from pichay_core.model import PageId
from pichay_core.pager import Limits
from pichay_core.prices import NOTHING, Prices
from pichay_core.request import Request
from pichay_core.rewrite import text_of
from pichay_core.schedule import Window
from pichay_core.session import Session
from pichay_core.table import PageTable
from pichay_core.tokens import tokens_of_bytes
from pichay_core.tools import FAULT, MEMORY, plain
from pichay_core.window import window_of
from pichay_core.wire.reply import Ask

MOST_ASKS = 200
"""Calls to our tools in one conversation."""
MOST_RECALLED = 2_000_000
"""Bytes of recalled text in one conversation."""
FULLEST = 0.9
"""Share of the model's window up to which recalls may fill it: what would not fit any more is
refused by the provider, and then every later request of the conversation is."""
LEAST_RECALLED = 4_000
"""Bytes that a recall may bring in any case: enough to look something up."""
MOST_COMMANDS = 50
"""Tags that are carried out in one reply."""

TOO_OFTEN = (
    "The memory tools have been used as often as they may be in one conversation. Use the ordinary "
    "tool instead."
)
TOO_MUCH = (
    "As much has been brought back as may be in one conversation. Use the ordinary tool instead."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call is answered with."""

    text: str
    error: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """A session in which all that was asked for is done, as far as it could be."""

    session: Session
    results: tuple[Answer, ...]
    """In the order of what was asked."""
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Spent:
    """What a conversation has used of what it may."""

    asks: int = 0
    recalled: int = 0
    """Bytes."""


def spent(table: PageTable) -> Spent:
    """Return what the answers in a conversation come to, those included that are not sent now."""
    given = [entry.page for entry in table.entries.values() if entry.page.call.tool in MEMORY]
    recalled = (page.bytes for page in given if page.call.tool == FAULT and not page.error)
    return Spent(len(given), sum(recalled))


def may_ask(table: PageTable) -> bool:
    """Return True until a conversation has asked as often as it may."""
    return spent(table).asks < MOST_ASKS


def answer(session: Session, asks: Sequence[Ask], means: Means) -> Answered:
    """Return what the calls to our tools come to, in their order, each on what the last one left.

    The same session, calls and means give the same answers.
    """
    used, results, events = spent(session.table), list[Answer](), list[Event]()
    fits = used.recalled + _free(means.window, session.model)
    for ask in asks:
        outcome = _answered(session, ask, means, used, fits - used.recalled)
        session = outcome.session
        used = _with(used, ask, outcome)
        results.append(Answer(outcome.text, outcome.error))
        events += (*outcome.events, _asked(ask.tool, outcome, session.model))
    return Answered(session, tuple(results), tuple(events))


def carried_out(session: Session, commands: Sequence[Command | str], means: Means) -> Answered:
    """Return what the commands in the model's own text come to; nobody is told the results.

    A text among them is a line that could not be read.
    """
    results, events = list[Answer](), list[Event]()
    for command in commands[:MOST_COMMANDS]:
        outcome = (
            Outcome(session, "", "unreadable")
            if isinstance(command, str)
            else _done(session, command, means, LARGEST_ANSWER)
        )
        session = outcome.session
        results.append(Answer(outcome.text, outcome.error))
        asked = Asked(f"tag {_word(command)}".rstrip(), outcome.why, 0)
        events += (*outcome.events, asked)
    return Answered(session, tuple(results), tuple(events))


def _free(window: Window, model: str) -> int:
    """Return how many bytes of text a window may still be given."""
    if not window.size:
        return MOST_RECALLED
    tokens = max(0, int(FULLEST * window.size) - window.tokens)
    return tokens * 1_000 // tokens_of_bytes(1_000, model)


def _answered(session: Session, ask: Ask, means: Means, used: Spent, fits: int) -> Outcome:
    if used.asks >= MOST_ASKS:
        return Outcome(session, TOO_OFTEN, "too often")
    command = command_of(ask)
    if isinstance(command, Refusal):
        return Outcome(session, command.text, "unreadable")
    room = min(LARGEST_ANSWER, MOST_RECALLED - used.recalled, max(LEAST_RECALLED, fits))
    if isinstance(command, Recall) and room <= 0:
        return Outcome(session, TOO_MUCH, "too much")
    return _done(session, command, means, room)


def _done(session: Session, command: Command, means: Means, room: int) -> Outcome:
    match command:
        case Recall():
            return recall(session, command, means, room)
        case Release():
            return release(session, command, means.limits)
        case Anchor():
            return anchor(session, command, means.limits)
        case Summarize():
            return summarize(session, command, means.limits)
        case Collapse():
            return _collapsed(session, command, means.collapse)
        case Status():
            return status(session, means)


def _collapsed(session: Session, command: Collapse, collapse: Collapses) -> Outcome:
    after, text, failed = collapse(session, command)
    return Outcome(session if failed else after, text, "not possible" if failed else "answered")


def _with(used: Spent, ask: Ask, outcome: Outcome) -> Spent:
    recalls = ask.tool == FAULT and not outcome.error
    size = len(outcome.text.encode(errors="replace")) if recalls else 0
    return Spent(used.asks + 1, used.recalled + size)


def _asked(tool: str, outcome: Outcome, model: str) -> Asked:
    size = len(outcome.text.encode(errors="replace"))
    return Asked(plain(tool), outcome.why, tokens_of_bytes(size, model))


def _word(command: Command | str) -> str:
    """Return the word that a tag has for a command."""
    return _WORDS.get(type(command), "")


_WORDS: dict[type, str] = {
    Release: "drop",
    Summarize: "summarize",
    Anchor: "anchor",
    Collapse: "collapse",
}


def means_of(
    session: Session,
    request: Request,
    stored: Callable[[str], str | None],
    limits: Limits,
    prices: Prices = NOTHING,
    collapse: Collapses = no_collapse,
    folded: Callable[[str], str | None] = no_turns,
) -> Means:
    """Return what answers are made with after a turn that *session* has taken with *request*.

    ``stored`` returns recorded content by its digest.
    """
    sizes = (
        message.size - (message.thought if position < session.stripped else 0)
        for position, message in enumerate(request.messages)
    )
    window = window_of(request, sum(sizes), session.model, prices)
    shown = max(0, window.tokens - session.table.absent - beyond(session))
    read, window = _reading(session, request, stored), replace(window, tokens=shown)
    return Means(read, limits, window, collapse, folded)


def _reading(session: Session, request: Request, stored: Callable[[str], str | None]) -> Read:
    """Return what reads a page: as the client sends it, else as it was kept.

    Where the client sends a mere note, what stands in its place was kept.
    """
    sent = text_of(session.frames, request)

    def read(page: PageId) -> str | None:
        entry = session.table[page]
        text = sent(page) if entry.repairs is None else None
        return stored(entry.page.digest) if text is None else text

    return read
