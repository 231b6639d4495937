"""The whole of the figures as one drawing, for ``stats`` once and for ``stats --live``."""

from sqlite_utils import Database

from pichay_cli.amounts import ago
from pichay_cli.panels import ID_SHOWN, net_panel, paging_panel, sessions_sheet, unpaged_panel
from pichay_cli.render import Beside, RenderableType, section, stack
from pichay_core.store import figures
from pichay_core.store.activity import activity
from pichay_core.store.scope import EVERYTHING, Scope

LATEST = 5
"""Sessions shown below the figures."""


def overview(
    db: Database, now: float, scope: Scope = EVERYTHING, *between: RenderableType
) -> RenderableType:
    """The figures of what is in scope, as they are at *now*, the net first.

    *between* stands after the figures and before the sessions.
    """
    done = activity(db, scope)
    unpaged = unpaged_panel(done)
    latest = sessions_sheet(figures.sessions(db, LATEST, scope), now)
    return stack(
        Beside(net_panel(figures.net(db, scope), _said(scope, now)), paging_panel(done)),
        *([unpaged] if unpaged else []),
        *between,
        section("Sessions", latest),
    )


def _said(scope: Scope, now: float) -> str:
    of = f"session {scope.session[:ID_SHOWN]}" if scope.session else "all sessions"
    return of if scope.since is None else f"{of}, the last {ago(now - scope.since)}"
