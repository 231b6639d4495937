"""The tables of the page: what a reader can sort, and what stands behind the charts.

Rule of this file: pure. A cell has the text that is shown and the number that it is sorted by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pichay_cli.amounts import ago, dollars, plain, share, signed, tokens
from pichay_cli.panels import ID_SHOWN
from pichay_core.store.closeup import CloseUp
from pichay_core.store.episodes import EpisodeStory
from pichay_core.store.figures import Net, SessionFigures
from pichay_core.store.report import Report, Spent
from pichay_core.store.top import By, Cost

MOST_ROWS = 500
"""Sessions in the table; the page says how many there are beside these."""
MOST_COSTS = 12
MOST_POINTS = 24
"""Of a course that stands in a table behind its chart."""
NAMES = {
    "tool": "By tool",
    "file": "By file",
    "command": "By command",
    "definition": "By tool definition",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a table."""

    text: str
    value: float | None = None
    """What it is sorted by; None if that is the text."""
    tone: str = ""
    """``good``, ``bad`` or ``quiet``."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, those of amounts marked, and their rows."""

    title: str
    columns: tuple[str, ...]
    amounts: frozenset[int]
    """Columns that stand to the right."""
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


def table(
    title: str, columns: Sequence[str], rows: Sequence[tuple[Cell, ...]], note: str = ""
) -> Table:
    """A table in which the columns of numbers are marked as that, and empty ones left out."""
    told = [at for at in range(len(columns)) if any(row[at].text for row in rows)]
    shown = [tuple(row[at] for at in told) for row in rows]
    numbers = {
        place for place in range(len(told)) if any(row[place].value is not None for row in shown)
    }
    return Table(title, tuple(columns[at] for at in told), frozenset(numbers), tuple(shown), note)


def _number(count: float | None) -> Cell:
    return Cell("") if count is None else Cell(f"{count:,}", count)


def _amount(size: float | None) -> Cell:
    return Cell("") if size is None else Cell(tokens(size), size)


def _money(amount: float | None) -> Cell:
    return Cell("") if amount is None else Cell(dollars(amount), amount)


def _difference(amount: float, text: str) -> Cell:
    """Minus is less than without: a saving."""
    tone = "good" if amount < 0 else "bad" if amount > 0 else ""
    return Cell(signed(amount, text), amount, tone)


def kinds_table(net: Net) -> Table:
    """Tokens by kind, with and without."""
    kinds = {
        "fresh input": (net.actual.input, net.untouched.input),
        "cache read": (net.actual.cache_read, net.untouched.cache_read),
        "cache write": (net.actual.cache_write, net.untouched.cache_write),
        "output": (net.actual.output, net.untouched.output),
    }
    rows = [
        (Cell(name), _amount(actual), _amount(untouched),
         Cell(signed(actual - untouched, tokens(actual - untouched)), actual - untouched))
        for name, (actual, untouched) in kinds.items()
    ]  # fmt: skip
    return table("Tokens by kind", ("tokens", "with", "without", "difference"), rows)


def spent_table(course: Sequence[Spent], money: bool) -> Table:
    """The course of the cost, in a few points."""
    rows = [_spent(point, money) for point in thinned(course, MOST_POINTS)]
    columns = ("until", "requests", "with", "without", "difference")
    return table("Cost so far", columns, rows)


def thinned[T](items: Sequence[T], most: int) -> Sequence[T]:
    """Return at most so many of them, evenly, the last one among them."""
    each = max(1, -(-len(items) // most))
    return items[::-1][::each][::-1]


def _spent(point: Spent, money: bool) -> tuple[Cell, ...]:
    paid, untouched = (
        (point.dollars, point.untouched_dollars)
        if money
        else (point.tokens, point.untouched_tokens)
    )
    say = dollars if money else tokens
    return (
        Cell(moment(point.at), point.at),
        _number(point.requests),
        Cell(say(paid), paid),
        Cell(say(untouched), untouched),
        _difference(paid - untouched, say(paid - untouched)),
    )


def moment(at: float) -> str:
    """A time as it is read."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M")


def moments_table(seen: CloseUp) -> Table:
    """The course of a session, in a few requests."""
    rows = [
        (
            _number(m.request),
            _amount(m.window),
            _amount(m.untouched),
            _amount(m.resident),
            _amount(m.working),
            _amount(m.pinned),
            Cell(plain(m.flushed or "")),
        )
        for m in thinned(seen.moments, MOST_POINTS)
    ]
    columns = ("request", "window", "untouched", "resident", "in use", "pinned", "flush")
    return table("Windows", columns, rows)


def episodes_table(episodes: Sequence[EpisodeStory]) -> Table | None:
    """The episodes of thrash, the dearest first."""
    dearest = sorted(episodes, key=lambda one: -one.cost_tokens)[:MOST_ROWS]
    rows = [
        (
            Cell(plain(episode.session[:ID_SHOWN])),
            Cell(_turns(episode), episode.start),
            _number(episode.faults),
            _amount(episode.tokens),
            _number(episode.bounced),
            _money(episode.dollars),
            Cell(", ".join(f"{plain(p.name)} ({p.times})" for p in episode.pages[:3])),
            Cell(_answer(episode)),
        )
        for episode in dearest
    ]
    columns = ("session", "turns", "refetches", "tokens back", "bounced", "cost", "what came back",
               "answer")  # fmt: skip
    return table("Episodes of thrash", columns, rows) if rows else None


def _turns(episode: EpisodeStory) -> str:
    return f"{episode.start} to {'now' if episode.ended is None else episode.ended}"


def _answer(episode: EpisodeStory) -> str:
    answer = episode.answer
    said = (
        f"pins {answer.pins}" if answer.pins else "",
        f"held {answer.held}" if answer.held else "",
        f"tau {answer.tau}" if answer.tau else "",
    )
    return ", ".join(part for part in said if part)


def costs_tables(found: Report) -> list[Table]:
    """What the bill was spent on, divided in more than one way."""
    made = (_costs(by, costs) for by, costs in found.costs.items())
    return [each for each in made if each.rows]


def _costs(by: By, costs: Sequence[Cost]) -> Table:
    whole = sum(cost.dollars or 0 for cost in costs)
    shown = dearest(costs, MOST_COSTS)
    rows = [_cost(cost, whole) for cost in shown]
    columns = ("what", "calls", "requests", "tokens sent", "money", "share", "net", "faults")
    left = sum(map(_billed, costs)) - len(rows)
    rest = whole - sum(cost.dollars or 0 for cost in shown)
    note = f"And {left:,} more, together {dollars(rest)}." if left else ""
    return table(NAMES[by], columns, rows, note)


def dearest(costs: Sequence[Cost], most: int) -> Sequence[Cost]:
    """Return at most so many of what was asked for, and then what else the bill paid for."""
    named = [cost for cost in costs if not cost.rest and _billed(cost)]
    return [*named[:most], *(cost for cost in costs if cost.rest and _billed(cost))]


def _billed(cost: Cost) -> bool:
    return bool(cost.sent or cost.dollars or cost.calls)


def _cost(cost: Cost, whole: float) -> tuple[Cell, ...]:
    part = cost.dollars or 0.0
    return (
        Cell(plain(cost.what), tone="quiet" if cost.rest else ""),
        _number(cost.calls or None),
        _number(cost.requests),
        _amount(cost.sent),
        _money(cost.dollars),
        Cell(share(part, whole), part),
        _difference(-cost.saved_dollars, dollars(-cost.saved_dollars))
        if cost.saved_dollars
        else Cell(""),
        _number(cost.faults or None),
    )


def sessions_table(found: Report, now: float) -> Table:
    """Every session in a line, the dearest first."""
    ordered = dearest_sessions(found)
    rows = [_session(one, found.clients, now) for one in ordered[:MOST_ROWS]]
    columns = ("session", "agent", "model", "turns", "window", "with", "without", "net money",
               "net tokens", "evicted", "faults", "seen", "")  # fmt: skip
    left = len(ordered) - len(rows)
    note = f"The {len(rows):,} dearest of {len(ordered):,} sessions." if left else ""
    return table("Sessions", columns, rows, note)


def dearest_sessions(found: Report) -> Sequence[SessionFigures]:
    """Return the sessions, the dearest first; of no known price those that sent most."""
    return sorted(found.sessions, key=lambda s: (-s.net.dollars, -s.net.actual.sent))


def _session(session: SessionFigures, clients: Mapping[str, str], now: float) -> tuple[Cell, ...]:
    net, priced = session.net, session.net.priced > 0
    agent = clients.get(session.id, "")
    return (
        Cell(plain(session.id[:ID_SHOWN])),
        Cell(plain(f"{agent} {'' if session.kind == 'main' else session.kind}".strip())),
        Cell(plain(session.model)),
        _number(session.turns),
        _amount(session.window),
        _money(net.dollars if priced else None),
        _money(net.untouched_dollars if priced else None),
        _difference(-net.saved_dollars, dollars(-net.saved_dollars)) if priced else Cell(""),
        _difference(-net.saved_tokens, tokens(-net.saved_tokens)),
        _number(session.evictions),
        _number(session.faults),
        Cell(f"{ago(now - session.last_at)} ago", session.last_at),
        Cell(plain(f"frozen: {session.frozen}") if session.frozen else "", tone="bad"),
    )
