"""The pages of a session as drawings: what moved, what is in the window, when it thrashed.

Rule of this file: the most telling first, and what is left out is counted.
"""

from collections.abc import Sequence

from pichay_cli.amounts import dollars, times, tokens
from pichay_cli.gauges import sparks
from pichay_cli.render import (
    QUIET,
    STRONG,
    Cell,
    Column,
    RenderableType,
    Sheet,
    line,
    lines,
)
from pichay_cli.show.telling import Telling
from pichay_core.store.episodes import EpisodeStory
from pichay_core.store.moves import Moved, Resident
from pichay_core.store.stories import TurnStory

MOST_MOVED = 10
MOST_TURNS = 4
"""Turns that are named of one page."""
MOST_EPISODES = 8
"""Above which the cheaper ones are only counted."""
MOST_NAMED = 3
"""Pages that are named of one episode."""
JUST_USED = 4
"""Turns since its last use in which a page is not idle: the usual tau."""
SMALL = 250
"""Tokens below which a page is hardly larger than what would stand for it."""
LEAST_TOKENS = 100
"""A page below this is only shown if there is no larger one."""
BARS = 24
"""Of the course of a window."""


def window_line(turns: Sequence[TurnStory]) -> RenderableType | None:
    """The course of the window over all requests; None if none was billed."""
    sent = [turn.actual.sent for turn in turns if turn.actual]
    if not sent:
        return None
    said = f"  {tokens(sent[0])} first, {tokens(max(sent))} at most, {tokens(sent[-1])} now"
    return line(("Window  ", STRONG), (sparks(sent, BARS), "cyan"), said)


def episodes_sheet(episodes: Sequence[EpisodeStory], every: bool = True) -> RenderableType | None:
    """The episodes of thrash, a line each; None if there was none.

    Without *every*, of very many those that cost the most.
    """
    if not episodes:
        return None
    cost = sum(episode.dollars or 0.0 for episode in episodes)
    about = f"  {times(len(episodes), 'episode')}{f', {dollars(cost)}' if cost else ''}"
    shown = episodes if every else _dearest(episodes)
    rows = [_episode(one) for one in shown]
    notes = [[line((_back(one), QUIET))] if one.pages else [] for one in shown]
    left = len(episodes) - len(shown)
    more = [line((f"and {left:,} that cost less: --turns shows them", QUIET))] if left else []
    return lines([line(("Thrash", STRONG), (about, QUIET)), Sheet(_EPISODES, rows, notes), *more])


def _dearest(episodes: Sequence[EpisodeStory]) -> Sequence[EpisodeStory]:
    """Those that cost the most, in order; what still lasts is among them."""
    most = sorted(episodes, key=lambda one: (one.ended is not None, -one.cost_tokens))
    return sorted(most[:MOST_EPISODES], key=lambda one: one.start)


_EPISODES = (
    Column("turns"),
    Column("faults", right=True),
    Column("tokens", right=True),
    Column("bounced", right=True, least=66),
    Column("cost", right=True),
    Column("answered by", least=76),
)


def _episode(episode: EpisodeStory) -> Sequence[Cell]:
    until = "now" if episode.ended is None else str(episode.ended)
    cost = f"{tokens(episode.cost_tokens)} tokens"
    return (
        f"{episode.start} to {until}",
        f"{episode.faults:,}",
        tokens(episode.tokens),
        f"{episode.bounced:,}",
        cost if episode.dollars is None else dollars(episode.dollars),
        (_answer(episode), "magenta"),
    )


def _answer(episode: EpisodeStory) -> str:
    answer = episode.answer
    parts = (
        f"tau {answer.tau}" if answer.tau else "",
        times(answer.pins, "pin") if answer.pins else "",
        f"flushes held {times(answer.held, 'time')}" if answer.held else "",
    )
    return ", ".join(part for part in parts if part)


def _back(episode: EpisodeStory) -> str:
    named = [f"{page.name} {page.times}x" for page in episode.pages[:MOST_NAMED]]
    left = len(episode.pages) - len(named)
    return ", ".join([*named, *([f"{left:,} more"] if left > 0 else [])])


def moved_sheet(moved: Sequence[Moved]) -> RenderableType | None:
    """What left the window, what came back most often first; None if nothing did."""
    if not moved:
        return None
    back = sum(bool(one.back) for one in moved)
    about = f"  {len(moved):,} left, {back:,} asked for again"
    shown = moved[:MOST_MOVED]
    rest = [line((f"and {len(moved) - len(shown):,} more", QUIET))] if moved[MOST_MOVED:] else []
    sheet = Sheet(_MOVED, [_moved(one) for one in shown])
    return lines([line(("Moved", STRONG), (about, QUIET)), sheet, *rest])


_MOVED = (
    Column("left in turn"),
    Column("back", right=True),
    Column("tokens", right=True),
    Column("now", least=66),
    Column("page", least=76, style=QUIET),
    Column(),
)


def _moved(one: Moved) -> Sequence[Cell]:
    back = f"{len(one.back):,}" if one.back else ""
    return (
        _turns(one.left),
        (back, "yellow"),
        tokens(one.tokens),
        ("collected" if one.collected else "out") if one.out else "in window",
        one.handle or "",
        one.name,
    )


def _turns(turns: Sequence[int]) -> str:
    """The first and the last ones, where there are many."""
    if len(turns) <= MOST_TURNS:
        return ", ".join(map(str, turns))
    return f"{turns[0]}, ... {turns[-2]}, {turns[-1]} ({len(turns)}x)"


def residents_sheet(told: Telling) -> RenderableType | None:
    """The largest pages in the window now, and why each stays; None if there is none."""
    if not told.residents:
        return None
    turn = told.session.turns
    large = [one for one in told.residents if one.tokens >= LEAST_TOKENS] or told.residents[:1]
    rows = [_resident(one, turn, told) for one in large]
    return lines([line(("Largest in the window now", STRONG)), Sheet(_RESIDENTS, rows)])


_RESIDENTS = (
    Column("tokens", right=True),
    Column("age", right=True),
    Column("used", right=True, least=66),
    Column("stays because", least=76),
    Column(),
)


def _resident(one: Resident, turn: int, told: Telling) -> Sequence[Cell]:
    used = turn - one.last_use
    return (
        tokens(one.tokens),
        f"{max(0, turn - one.born):,}",
        f"{used:,} ago" if used > 0 else "now",
        (_why(one, used, told), "magenta" if one.pin is not None else ""),
        one.name,
    )


def _why(one: Resident, idle: int, told: Telling) -> str:
    """The first thing that keeps it."""
    last = told.turns[-1] if told.turns else None
    reasons = (
        (told.session.frozen is not None, "the session is only observed"),
        (one.opaque, "no text: it never moves"),
        (one.pin is not None and one.faults > 0, f"pinned: came back {times(one.faults, 'time')}"),
        (one.pin is not None, "pinned"),
        (one.released, "released: leaves with the next flush"),
        (one.needed, "another page refers to it"),
        (one.tokens < SMALL, "small"),
        (idle < JUST_USED, "in use"),
        (last is not None and last.held_tokens > 0, f"held back: {last.held_why if last else ''}"),
    )
    return next((why for holds, why in reasons if holds), "no flush has paid yet")
