"""What is saved at birth, beside what is saved by paging, by length of session.

Rule of this file: pure. ``net`` is cost over untouched: below one is a saving.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pichay_cli.amounts import percent, times, tokens
from pichay_cli.render import (
    BAD,
    QUIET,
    STRONG,
    Cell,
    Column,
    RenderableType,
    Sheet,
    line,
    lines,
    stack,
)
from pichay_cli.replay_view import report_data
from pichay_cli.replaying import Plan
from pichay_core.replay import Report, together

PLANS = (Plan(birth=True, evicts=False), Plan(), Plan(birth=True))
"""What is compared: birth alone, paging alone, both."""
BANDS = (5, 10, 20, 40, 80)
"""Requests of the longest session in each band; the last band has no end."""
_ROUNDING = 1e-9


class Three(NamedTuple):
    """One session, or several, under each of ``PLANS``."""

    birth: Report
    paging: Report
    both: Report

    @property
    def loses(self) -> bool:
        """True if birth alone costs more than untouched."""
        return _over(self.birth) > _ROUNDING * self.birth.untouched_cost

    @property
    def loses_more(self) -> bool:
        """True if it costs more than the text that the model is told."""
        over = _over(self.birth) - self.birth.protocol
        return over > _ROUNDING * self.birth.untouched_cost


def _over(report: Report) -> float:
    return report.cost - report.untouched_cost


@dataclass(frozen=True, slots=True)
class Band:
    """Sessions of about the same length."""

    name: str
    sessions: tuple[Three, ...]

    @property
    def whole(self) -> Three:
        """All of them together."""
        return Three(*map(together, zip(*self.sessions, strict=True)))

    @property
    def losing(self) -> int:
        """In how many birth alone costs more than untouched."""
        return sum(session.loses for session in self.sessions)

    @property
    def worst(self) -> float:
        """The largest net of a session in which birth alone is all that is done."""
        return max((session.birth.net for session in self.sessions), default=1.0)

    @property
    def losing_more(self) -> int:
        """In how many it costs more than the text that the model is told."""
        return sum(session.loses_more for session in self.sessions)


def bands(sessions: Sequence[Three]) -> list[Band]:
    """Return the sessions by their number of requests; bands that hold none are left out."""
    edges = [0, *BANDS]
    names = [f"{low + 1}-{high}" for low, high in zip(edges, BANDS, strict=False)]
    found = [
        Band(name, tuple(one for one in sessions if _band(one) == number))
        for number, name in enumerate([*names, f"{BANDS[-1] + 1}+"])
    ]
    return [band for band in found if band.sessions]


def _band(session: Three) -> int:
    return sum(session.birth.requests > longest for longest in BANDS)


_TITLES = ("requests", "sessions", "birth", "paging", "both", "not sent", "misses", "losing")
_LEAST = {"not sent": 70, "misses": 70}
"""Columns of text from which they are shown: on fewer the last ones would be cut off."""
_COLUMNS = tuple(Column(title, right=True, least=_LEAST.get(title, 0)) for title in _TITLES)


def birth_sheet(sessions: Sequence[Three]) -> RenderableType:
    """Return one line for each length of session, one for all, and what they mean."""
    every = Band("all", tuple(sessions))
    rows = [_row(band) for band in bands(sessions)]
    rows.append([(str(cell), STRONG) for cell in _row(every)])
    sheet = Sheet(_COLUMNS, rows)
    legend = (
        "Net without paging (birth), without birth (paging), and with both, in sessions of so "
        "many requests. not sent: tokens of definitions. losing: birth costs more than untouched."
    )
    return stack(sheet, lines([line((legend, QUIET))]), lines(_said(every)))


def _row(band: Band) -> list[Cell]:
    whole = band.whole
    return [
        band.name,
        f"{len(band.sessions):,}",
        *(f"{report.net:.3f}" for report in whole),
        tokens(whole.birth.definitions),
        f"{whole.birth.misses:,}",
        f"{band.losing:,}",
    ]


def _said(every: Band) -> list[RenderableType]:
    whole = every.whole.birth
    return [_losses(every), line(_known(whole)), *_misses(every.whole)]


def _losses(every: Band) -> RenderableType:
    sessions = times(len(every.sessions), "session")
    if not every.losing:
        return line(f"Birth alone costs more than untouched in none of {sessions}.")
    said = (
        f"Birth alone costs more than untouched in {every.losing:,} of {sessions}, at most "
        f"{percent(every.worst - 1, 1.0)}; in "
    )
    if not every.losing_more:
        return line(said + "none by more than the text costs that tells of paging.")
    return line((said + f"{every.losing_more:,} by more than the text that tells of paging.", BAD))


def _known(report: Report) -> str:
    if not report.offered:
        return (
            "No tool definitions are known here, so none go out in short: "
            "name a file that holds them, with --definitions."
        )
    said = (
        f"Definitions of unused tools went out in short in {report.short:,} of the "
        f"{times(report.offered, 'conversation')} where they are known."
    )
    if not report.squeezed:
        return said
    return f"{said} In {report.squeezed:,} the head as billed has no room for all of them."


def _misses(whole: Three) -> list[RenderableType]:
    birth, both = whole.birth, whole.both
    if not birth.misses:
        return []
    missed = times(birth.misses, "tool was", "tools were")
    said = (
        f"{missed} sent in short and called all the same. If each had needed a request more: "
        f"birth {birth.net_missed:.3f}, both {both.net_missed:.3f}."
    )
    return [line(said)]


def birth_data(sessions: Sequence[Three]) -> Mapping[str, object]:
    """Return the same for machines."""
    found = [*bands(sessions), Band("all", tuple(sessions))] if sessions else []
    return {"bands": [_band_data(band) for band in found]}


def _band_data(band: Band) -> Mapping[str, object]:
    names = Three._fields
    return {
        "requests": band.name,
        "sessions": len(band.sessions),
        "losing": band.losing,
        "losing_more_than_protocol": band.losing_more,
        "worst": band.worst,
        **{name: report_data(one) for name, one in zip(names, band.whole, strict=True)},
    }
