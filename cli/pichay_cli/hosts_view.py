"""The hosts and paths that are looked at, drawn: what each gets, and what is left alone.

Rule of this file: it draws the table that the addon goes by, and nothing it knows better.
"""

from collections.abc import Iterable, Sequence

from pichay_cli.render import (
    QUIET,
    STRONG,
    Column,
    RenderableType,
    Sheet,
    inset,
    line,
    lines,
    section,
)
from pichay_core.hosts import EVERY_WORD, Host, LeftAlone, Path

FORMAT_FROM = 100
"""Columns from which the wire format is shown too."""


def view(
    hosts: Sequence[Host],
    own: Sequence[str],
    anywhere: Sequence[Path],
    left: Sequence[LeftAlone],
) -> RenderableType:
    """Return all of it: hosts that are known, those of the user's *own*, and the rest."""
    mine = Host(tuple(own) or ("any host of your own",), tuple(anywhere))
    paths = [path for host in (*hosts, mine) for path in host.paths]
    parts = [
        *(_host(host) for host in hosts),
        _host(mine, " (--host NAME, or what --reverse stands for)"),
        section("What each gets", inset(_words(paths))),
        section("Deliberately not looked at", inset(_left(left))),
        line("No other host is decrypted at all."),
    ]
    return lines(part for drawn in parts for part in (drawn, ""))


def _host(host: Host, because: str = "") -> RenderableType:
    names = line((", ".join(host.names), STRONG), (because, QUIET))
    columns = (Column(), Column(least=FORMAT_FROM, style=QUIET), Column())
    rows = [(path.gets.word, path.format, path.pattern) for path in host.paths]
    return lines([names, inset(Sheet(columns, rows))])


def _words(paths: Iterable[Path]) -> RenderableType:
    used = {path.gets for path in paths}
    rows = [(gets.word, gets.sentence) for gets in EVERY_WORD if gets in used]
    return Sheet((Column(), Column()), rows)


def _left(left: Iterable[LeftAlone]) -> RenderableType:
    """The reason stands below the names: of those there may be many."""
    rows, reasons = zip(*(((", ".join(one.names),), (line(one.why),)) for one in left), strict=True)
    return Sheet((Column(),), rows, reasons)
