"""What the bill was spent on, as a drawing: the dearest first, then the rests, then the whole.

Rule of this file: what is shown adds up to the bill, so what is not listed is a line of its own.
"""

from collections.abc import Sequence
from dataclasses import asdict
from functools import reduce
from math import fsum
from posixpath import commonpath
from typing import Any

from pichay_cli.amounts import dollars, share, times, tokens
from pichay_cli.hints import hints
from pichay_cli.panels import ID_SHOWN, change
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
from pichay_core.store.cost import By, Cost

NAME_LENGTH = 160
"""Letters shown of a name at most."""
LEAST_SHOWN = 0.005
"""Dollars. Less was neither saved nor lost."""
LEAST_BELOW = 2
"""Files of which a common folder is said once."""


def top_sheet(found: Sequence[Cost], by: By, limit: int) -> RenderableType:
    """The parts of the bill, *limit* of what was asked for at most."""
    named = [cost for cost in found if not cost.rest]
    rests = [cost for cost in found if cost.rest]
    left = named[limit:]
    whole = fsum(cost.dollars or 0.0 for cost in found)
    folder = _folder(named[:limit]) if by == "file" else ""
    shown = [*named[:limit], *([_together(left, by)] if left else []), *rests]
    rows = [_row(cost, whole, by, folder) for cost in shown]
    said = dict(zip(found, hints(found, by), strict=True))
    notes = [[line((note, "yellow"))] if (note := said.get(cost)) else [] for cost in shown]
    rows.append(_sum(found, whole))
    head = (_title(found, by), *([line((f"files below {folder}", QUIET))] if folder else []))
    return lines([*head, "", Sheet(_columns(by), rows, notes), "", line((_LEGEND, QUIET))])


_LEGEND = (
    "requests: of all its results, each in every request it stood in. net: what its having left "
    "or gone out in short has saved (-) or cost (+)."
)


def top_data(found: Sequence[Cost], by: By) -> dict[str, Any]:
    """The same for machines, all of it."""
    whole = fsum(cost.dollars or 0.0 for cost in found)
    return {
        "by": by,
        "dollars": whole,
        "sent": sum(cost.sent for cost in found),
        "costs": [
            asdict(cost)
            | {"share": (cost.dollars or 0.0) / whole if whole else None, "hint": said or None}
            for cost, said in zip(found, hints(found, by), strict=True)
        ],
    }


def _columns(by: By) -> Sequence[Column]:
    defined = by == "definition"
    return (
        Column("cost", right=True),
        Column("share", right=True),
        Column("sessions" if defined else "calls", right=True, least=66),
        Column("each" if defined else "tokens", right=True),
        Column("requests", right=True, least=76),
        Column("sent", right=True, least=96),
        Column("net", right=True),
        Column("faults", right=True, least=90),
        Column(by),
    )


def _title(found: Sequence[Cost], by: By) -> RenderableType:
    priced = any(cost.dollars is not None for cost in found)
    what = f"What the bill was spent on, by {by} (estimate; its parts add up to the bill)"
    unknown = "" if priced else ". No price is known: by tokens"
    return line((what + unknown, QUIET))


def _row(cost: Cost, whole: float, by: By, folder: str) -> Sequence[Cell]:
    style = QUIET if cost.rest else ""
    brought = cost.definition_tokens if by == "definition" else cost.tokens
    calls = cost.sessions if by == "definition" else cost.calls
    net = change(-cost.saved_dollars, dollars)
    return (
        (dollars(cost.dollars) if cost.dollars is not None else "", style),
        (share(cost.dollars or 0.0, whole), style),
        (_count(calls), style),
        (tokens(brought) if brought else "", style),
        (_count(cost.requests), style),
        (tokens(cost.sent) if cost.sent else "", style),
        net if abs(cost.saved_dollars) >= LEAST_SHOWN else "",
        (_count(cost.faults), style),
        (_name(cost, by, folder), style),
    )


def _sum(found: Sequence[Cost], whole: float) -> Sequence[Cell]:
    priced = any(cost.dollars is not None for cost in found)
    sent = tokens(sum(cost.sent for cost in found))
    money = dollars(whole) if priced else ""
    return ((money, STRONG), *[""] * 4, (sent, STRONG), "", "", ("all", STRONG))


def _count(count: int) -> str:
    return f"{count:,}" if count else ""


def _name(cost: Cost, by: By, folder: str) -> str:
    if by == "session" and not cost.rest:
        return cost.what[:ID_SHOWN]
    name = " ".join(cost.what.removeprefix(folder).split())
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"


def _folder(named: Sequence[Cost]) -> str:
    """The folder that holds all of these files, with a stroke at its end; empty for none."""
    absolute = [cost.what for cost in named if cost.what.startswith("/")]
    if len(absolute) < LEAST_BELOW:
        return ""
    common = commonpath([path.rpartition("/")[0] or "/" for path in absolute])
    return "" if common == "/" else f"{common}/"


def _together(left: Sequence[Cost], by: By) -> Cost:
    """What is beyond the limit, as one."""
    return Cost(
        what=f"{times(len(left), by)} more",
        rest=True,
        sessions=max(cost.sessions for cost in left),
        calls=sum(cost.calls for cost in left),
        tokens=sum(cost.tokens for cost in left),
        requests=sum(cost.requests for cost in left),
        sent=sum(cost.sent for cost in left),
        dollars=reduce(_plus, (cost.dollars for cost in left)),
        saved_dollars=fsum(cost.saved_dollars for cost in left),
        faults=sum(cost.faults for cost in left),
    )


def _plus(one: float | None, other: float | None) -> float | None:
    return one if other is None else (one or 0.0) + other
