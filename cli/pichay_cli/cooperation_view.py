"""What the model did with its memory of itself, drawn; nothing where it did nothing.

Rule of this file: what answering it cost stands beside what it did, and is said to be in the net.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pichay_cli.amounts import dollars, share, times, tokens
from pichay_cli.render import QUIET, Cell, Column, RenderableType, Sheet, section
from pichay_core.store.activity import Tally
from pichay_core.store.cooperation import Cooperation
from pichay_core.store.figures import Net

_COLUMNS = (Column(), Column(right=True), Column())


def cooperation_panel(done: Cooperation, net: Net) -> RenderableType | None:
    """What the model asked for, and what came of it; None if there is nothing to say."""
    rows = [_row(*each) for each in (*_asked(done), *_came(done), *_legs(net)) if each[1]]
    return section("The model's side", Sheet(_COLUMNS, rows)) if rows else None


type _Said = tuple[str, int, str]
"""What, how often, and what it is made of."""


def _asked(done: Cooperation) -> Sequence[_Said]:
    return (
        ("asked", _sum(done.asked), _tallied(done.asked)),
        ("not done", _sum(done.refused), _tallied(done.refused)),
    )


def _came(done: Cooperation) -> Sequence[_Said]:
    messages = times(done.collapsed_messages, "message")
    page = "page" if done.recalled == 1 else "pages"
    return (
        ("recalled", done.recalled, f"{page}, {tokens(done.recalled_tokens)} tokens back"),
        ("released", done.released, "no more needed, says the model"),
        ("pinned", done.pinned, "to stay, says the model"),
        ("collapsed", done.collapsed, f"{messages}, {tokens(done.collapsed_tokens)} tokens off"),
        ("advised", _sum(done.advised), f"of a zone: {_tallied(done.advised)}"),
        ("unsaid", done.unsaid, "in replies that the client changed"),
    )


def _legs(net: Net) -> Sequence[_Said]:
    cost = f"{tokens(net.legs_sent)} tokens"
    if net.legs_dollars:
        of = share(net.legs_dollars, net.dollars)
        cost = f"{dollars(net.legs_dollars)}, {of} of all, {cost}"
    return (("legs", net.legs, f"turns in the client's place: {cost}; in the net"),)


def _row(name: str, count: int, of: str) -> Sequence[Cell]:
    return name, f"{count:,}", (of, QUIET)


def _sum(tallies: Sequence[Tally]) -> int:
    return sum(tally.count for tally in tallies)


def _tallied(tallies: Sequence[Tally]) -> str:
    return " · ".join(f"{tally.why} {tally.count:,}" for tally in tallies)


def cooperation_data(done: Cooperation, net: Net) -> dict[str, Any]:
    """The same as plain data."""
    legs = {"requests": net.legs, "tokens": net.legs_sent, "dollars": net.legs_dollars}
    return asdict(done) | {"in_the_clients_place": legs}
