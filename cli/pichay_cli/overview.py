"""The whole of the figures as one drawing."""

from pichay_cli.amounts import ago
from pichay_cli.births_view import births_panel
from pichay_cli.cooperation_view import cooperation_panel
from pichay_cli.panels import ID_SHOWN, net_panel, paging_panel, sessions_sheet
from pichay_cli.render import Beside, Either, RenderableType, section, stack
from pichay_cli.unpaged import unpaged_panel
from pichay_core.store import figures
from pichay_core.store.activity import activity
from pichay_core.store.births import births
from pichay_core.store.cooperation import cooperation
from pichay_core.store.database import Database
from pichay_core.store.scope import EVERYTHING, Scope

LATEST = 5
"""Sessions shown below the figures."""


def overview(db: Database, now: float, scope: Scope = EVERYTHING) -> RenderableType:
    """The figures of what is in scope, as they are at *now* (seconds since the epoch)."""
    done = activity(db, scope)
    billed = figures.net(db, scope)
    net, paging = net_panel(billed, _said(scope, now)), paging_panel(done)
    unpaged = unpaged_panel(done)
    born = births_panel(births(db, scope), done.count("called"))
    model = cooperation_panel(cooperation(db, scope), billed)
    latest = sessions_sheet(figures.sessions(db, LATEST, scope), now)
    below = (
        *(panel for panel in (born, model, unpaged) if panel),
        section("Sessions", latest),
    )
    return Either(stack(net, paging, *below), stack(Beside(net, paging), *below))


def _said(scope: Scope, now: float) -> str:
    of = f"session {scope.session[:ID_SHOWN]}" if scope.session else "all sessions"
    return of if scope.since is None else f"{of}, the last {ago(now - scope.since)}"
