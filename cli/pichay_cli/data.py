"""Figures as plain data, for ``--json``.

Rule of this file: names stay as they are once published; times are seconds since the epoch.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pichay_cli.births_view import births_data
from pichay_cli.cooperation_view import cooperation_data
from pichay_cli.overview import LATEST
from pichay_core.store import figures
from pichay_core.store.activity import Activity, Tally, activity
from pichay_core.store.births import Births, births
from pichay_core.store.cooperation import Cooperation, cooperation
from pichay_core.store.database import Database
from pichay_core.store.figures import Net, SessionFigures
from pichay_core.store.scope import Scope


def as_data(db: Database | None, scope: Scope) -> dict[str, Any]:
    """The figures as plain data. Without a recording all of them are nought."""
    net = figures.net(db, scope) if db else Net()
    done = activity(db, scope) if db else Activity()
    latest = figures.sessions(db, LATEST, scope) if db else ()
    born = births(db, scope) if db else Births()
    model = cooperation(db, scope) if db else Cooperation()
    return {
        "scope": asdict(scope),
        "net": net_data(net),
        "births": births_data(born, done.count("called")),
        "cooperation": cooperation_data(model, net),
        "activity": activity_data(done),
        "sessions": [session_data(session) for session in latest],
    }


def net_data(net: Net) -> dict[str, Any]:
    """A net figure; ``without`` and ``difference`` are estimates."""
    actual, untouched = net.actual, net.untouched
    kinds = ("input", "cache_read", "cache_write", "output")
    money = _compared(net.dollars, net.untouched_dollars) if net.priced else None
    return {
        "estimate": True,
        "requests": net.requests,
        "requests_in_the_clients_place": net.legs,
        "billed_requests": net.settled,
        "dollars": money,
        "priced_requests": net.priced,
        "models_without_price": list(net.unpriced),
        "tokens": {
            "sent": _compared(actual.sent, untouched.sent),
            **{kind: _compared(getattr(actual, kind), getattr(untouched, kind)) for kind in kinds},
        },
    }


def _compared(actual: float, untouched: float) -> dict[str, float | None]:
    difference = actual - untouched
    return {
        "with": actual,
        "without": untouched,
        "difference": difference,
        "percent": round(100 * difference / untouched, 2) if untouched else None,
    }


def activity_data(done: Activity) -> dict[str, Any]:
    """What happened, counted."""
    return {
        "events": {kind: _tallies(tallies) for kind, tallies in done.happened.items()},
        "outcomes": [{"outcome": outcome, **asdict(tally)} for outcome, tally in done.outcomes],
        "held": _tallies(done.held),
        "flushes": _tallies(done.flushes),
        "flushes_paid_back": done.paid_back,
        "frozen": _tallies(done.frozen),
        "tls_refused": _tallies(done.refusals),
        "pins_now": done.pins_now,
        "prefix_breaks": done.prefix_breaks,
        "prefix_breaks_with_a_flush": done.flush_breaks,
        "refetched_again": done.refaults,
        "thrash": done.thrash().value,
    }


def _tallies(tallies: Sequence[Tally]) -> list[dict[str, Any]]:
    return [asdict(tally) for tally in tallies]


def session_data(session: SessionFigures) -> dict[str, Any]:
    """One session; times are seconds since the epoch."""
    return asdict(session) | {"net": net_data(session.net)}
