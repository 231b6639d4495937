"""One session as a drawing: the verdict, its window, what moved, what stays, then its requests."""

from collections.abc import Sequence
from itertools import chain

from pichay_cli.amounts import ago, times
from pichay_cli.collapsed_view import collapsed_sheet
from pichay_cli.flushes_view import flushes_sheet
from pichay_cli.panels import headline
from pichay_cli.render import QUIET, STRONG, RenderableType, line, lines
from pichay_cli.show.requests import event_line, requests_sheet
from pichay_cli.show.standing import (
    episodes_sheet,
    moved_sheet,
    residents_sheet,
    window_line,
)
from pichay_cli.show.telling import Telling, below_project, by_request
from pichay_cli.show.verdict import verdict
from pichay_core.store.figures import SessionFigures

_LEGS = "leg: a turn of Pichay's own in place of the client's, to answer the model"


def drawing(told: Telling, now: float, every: bool = False) -> RenderableType:
    """The session as it is at *now*; *every* request in a line of its own if that is asked for."""
    told = below_project(told)
    happened = by_request(told.turns, told.events)
    sections: Sequence[RenderableType | None] = (
        _flushes(told, every) if told.flushes else None,
        episodes_sheet(told.episodes, every),
        moved_sheet(told.moved),
        residents_sheet(told),
        collapsed_sheet(told.events, told.flushes),
        line((_LEGS, QUIET)) if told.session.net.legs else None,
    )
    return lines(
        chain(
            _head(told.session, now),
            _verdict(told),
            chain.from_iterable((one, "") for one in sections if one is not None),
            map(event_line, happened[None]),
            [requests_sheet(told.turns, told.eventful, happened, every)],
        )
    )


def _flushes(told: Telling, every: bool) -> RenderableType:
    return flushes_sheet(told.flushes, told.session.net, told.born, every)


def _verdict(told: Telling) -> list[RenderableType]:
    said, course = verdict(told), window_line(told.turns)
    return [
        headline(told.session.net),
        *([line(said)] if said else []),
        "",
        *([course, ""] if course else []),
    ]


def _head(session: SessionFigures, now: float) -> list[RenderableType]:
    about = (
        session.kind,
        session.model,
        *([f"mode {session.mode}"] if session.mode else []),
        times(session.requests, "request"),
        *([times(session.net.legs, "leg")] if session.net.legs else []),
        times(session.turns, "turn"),
        f"seen {ago(now - session.last_at)} ago",
    )
    tools = [f"tool definitions {session.definitions}"] if session.definitions else []
    parent = [f"of session {session.parent}"] if session.parent else []
    frozen = [f"frozen, only observed: {session.frozen}"] if session.frozen else []
    unmade = ["mode observe: the moves told of below were not made"] * (session.mode == "observe")
    return [
        line(("Session ", STRONG), (session.id, STRONG)),
        *(line((text, QUIET)) for text in (" · ".join(about), *tools, *parent)),
        *(line((text, "yellow")) for text in (*frozen, *unmade)),
        "",
    ]
