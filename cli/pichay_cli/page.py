"""``pichay page HANDLE``: what became of one page, or of collapsed turns, and its text."""

from collections.abc import Sequence
from pathlib import Path

import click

from pichay_cli.amounts import times, tokens
from pichay_cli.recording import database_option, something
from pichay_cli.render import (
    QUIET,
    STRONG,
    Column,
    RenderableType,
    Sheet,
    display,
    inset,
    line,
    lines,
)
from pichay_core.store import stories
from pichay_core.store.collapses import CollapseStory, collapses
from pichay_core.store.database import Database
from pichay_core.store.stories import EventStory, PageStory
from pichay_core.tools import FAULT


@click.command()
@click.argument("handle")
@click.option("--content", is_flag=True, help="Write its text to standard output, nothing else.")
@database_option
def page(handle: str, content: bool, database: Path) -> None:
    """Tell the story of a page by the handle in its stub, such as ABCD2345.

    So with turns that a summary of the model's stands for.
    """
    with something(database) as db:
        if content:
            click.echo(_text(db, handle), nl=False)
            return
        found = drawn(db, handle)
    if found is None:
        raise click.ClickException(no_page(handle))
    display(inset(found))


def no_page(handle: str, where: str = "") -> str:
    """What is said of a handle that none has, in that session if one is named."""
    of = f"No page of {where}" if where else "No page"
    return f"{of} has the handle {handle}. A stub ends in its handle: Page ABCD2345."


def drawn(db: Database, handle: str, session: str | None = None) -> RenderableType | None:
    """The story of a page, or of collapsed turns, by its handle: in that session, or the last.

    None if there is none.
    """
    found, turns = stories.pages(db, handle), collapses(db, handle)
    if session is not None:
        found = tuple(sorted(found, key=lambda page: page.session != session))
        found = found if found and found[0].session == session else ()
        turns = tuple(one for one in turns if one.session == session)
    if found:
        return story(found, stories.events(db, found[0].session, found[0].id))
    return collapsed(turns[0]) if turns else None


def _text(db: Database, handle: str) -> bytes:
    found = (*stories.pages(db, handle), *collapses(db, handle))
    if not found:
        raise click.ClickException(no_page(handle))
    text = stories.content(db, found[0].digest)
    if text is None:
        raise click.ClickException(
            f"The text of page {found[0].handle} was not kept: only its story is recorded."
        )
    return text


def story(found: Sequence[PageStory], happened: Sequence[EventStory]) -> RenderableType:
    """The page of the session seen last, what happened to it, and where else it is."""
    first, *others = found
    rows = [
        ("session", first.session),
        ("size", _size(first)),
        ("state", _state(first)),
        ("born", f"turn {first.born}"),
        ("used", _used(first)),
        *([("moved", f"out in turn {first.moved}")] if first.moved is not None else []),
        ("faults", _faults(first, happened)),
        *([("pin", _pin(first))] if first.pin_strength is not None else []),
        *(("also in", f"session {other.session}, {other.state}") for other in others),
        ("text", _kept(first)),
    ]
    sheet = Sheet((Column(style=QUIET), Column()), [(name, said) for name, said in rows])
    head = line((f"Page {first.handle}  ", STRONG), f"{first.tool} {first.label}")
    return lines((head, "", sheet))


def collapsed(turns: CollapseStory) -> RenderableType:
    """Turns that a summary stands for, and what it says."""
    first, last = turns.turns
    held = f"{times(turns.messages, 'message')}, {times(turns.pages, 'page')}"
    summary = turns.summary
    rows = [
        ("session", turns.session),
        ("size", f"{held}, {tokens(turns.tokens)} tokens more than the summary"),
        ("state", "out; a summary by the model stands for it" if summary else _STANDS_NO_MORE),
        ("moved", f"out in turn {turns.collapsed}"),
        *([("summary", summary)] if summary else []),
        ("text", _kept(turns)),
    ]
    sheet = Sheet((Column(style=QUIET), Column()), rows)
    head = line((f"Page {turns.handle}  ", STRONG), f"turns {first} to {last}")
    return lines((head, "", sheet))


_STANDS_NO_MORE = "gone: the client has gone back, or a later summary stands for it"


def _size(chosen: PageStory) -> str:
    text = f"{times(chosen.bytes, 'byte')}, {times(chosen.lines, 'line')}"
    return f"{text}, {tokens(chosen.tokens)} tokens"


def _used(chosen: PageStory) -> str:
    if not chosen.uses:
        return "not asked for again"
    return f"asked for again {times(chosen.uses, 'time')}, last in turn {chosen.last_use}"


_STATES = {
    "resident": "in the window",
    "evicted": "out; it comes back if it is asked for",
    "collected": "out; nothing can ask for it",
    "gone": "no longer sent by the client",
}


def _state(chosen: PageStory) -> str:
    stale = "; later calls changed what it is a copy of" if chosen.stale else ""
    return f"{chosen.state}: {_STATES.get(chosen.state, '')}{stale}"


def _faults(chosen: PageStory, happened: Sequence[EventStory]) -> str:
    asked = [f"{e.why} in turn {e.turn}" for e in happened if e.kind == "faulted"]
    how = "recall" if chosen.tool == FAULT else "refetch"
    came = [f"itself brought back by {how} number {chosen.faults}"] if chosen.faults else []
    return ", ".join([*asked, *came]) or "none"


def _pin(chosen: PageStory) -> str:
    return f"strength {chosen.pin_strength:g}, since turn {chosen.pin_since}"


def _kept(chosen: PageStory | CollapseStory) -> str:
    return f"pichay page {chosen.handle} --content" if chosen.kept else "not kept"
