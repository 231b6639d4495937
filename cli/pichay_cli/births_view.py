"""What was sent smaller from the first time on, drawn: what stayed away, what was added, net."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pichay_cli.amounts import dollars, tokens
from pichay_cli.panels import change
from pichay_cli.render import QUIET, Cell, Column, RenderableType, Sheet, section
from pichay_core.store.births import Births

_COLUMNS = (Column(), Column(right=True), Column())


def births_panel(born: Births, called: int) -> RenderableType | None:
    """What births brought; None if there is nothing to say. *called*: short definitions used."""
    told = f"tokens more: what the model is told{_each(born.protocol, born)}"
    amounts = (
        ("definitions", born.definitions, f"tokens not sent{_each(born.definitions, born)}"),
        ("repeats", born.shortened, "tokens not sent: here already, or cut"),
        ("protocol", born.protocol, told),
    )
    rows: list[Sequence[Cell]] = [
        (name, tokens(amount), (said, QUIET)) for name, amount, said in amounts if amount
    ]
    if not rows:
        return None
    if called:
        said = "tools called whose definition was not sent in full"
        rows.append(("misses", f"{called:,}", (said, QUIET)))
    return section("Birth: sent smaller from the first time", Sheet(_COLUMNS, [*rows, _net(born)]))


def _each(amount: int, born: Births) -> str:
    return f", {tokens(round(amount / born.requests))} a request" if born.requests else ""


def _net(born: Births) -> Sequence[Cell]:
    if born.saved_dollars is not None:
        return "net", change(-born.saved_dollars, dollars), ("money, estimate", QUIET)
    return "net", change(-born.saved_tokens, tokens), ("tokens of plain input, estimate", QUIET)


def births_data(born: Births, called: int) -> dict[str, Any]:
    """The same as plain data."""
    return asdict(born) | {"called": called}
