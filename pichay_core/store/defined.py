"""How large each tool's definition is, as the client has it and as it is sent.

Rule of this file: told anew only when it may have changed, since most requests send the tools
of the last one. Of what the provider keeps out of the prefix nothing is sent until it was looked
up. Tools of ours count as none of the client's.
"""

from collections.abc import Iterator

from pichay_core.birth.choice import Birth
from pichay_core.birth.definitions import short
from pichay_core.cooperate.tools import NAMES, definitions
from pichay_core.session import Session
from pichay_core.store.database import Database
from pichay_core.store.decisions import insert
from pichay_core.store.pagerows import Row
from pichay_core.store.records import Turned

_AGAIN = """
    on conflict (session, tool) do update set bytes = excluded.bytes,
    sent_bytes = excluded.sent_bytes
"""


def put_definitions(db: Database, record: Turned) -> None:
    """Put down the definitions of a request, where they are others than those before."""
    if _same(record):
        return
    insert(db, "definitions", [*definition_rows(record)], also=_AGAIN)


def definition_rows(record: Turned) -> Iterator[Row]:
    """Yield the rows of table ``definitions``: those of the client, then those of ours."""
    session = record.after
    tools = session.head.raw_tools if session.head else None
    if tools is None:
        return
    birth = session.birth if record.outcome == "edited" else None
    places = record.format.definitions(tools)
    searched = birth is not None and birth.way == "deferred" and record.format.searches(tools)
    for name, place in places.items():
        text = tools[place.start : place.end]
        yield _row(session, name, len(text), _sent(text, name, birth, searched))
    for name in NAMES:
        if birth and name in birth.offers and name not in places:
            (ours,) = definitions(record.format, (name,))
            yield _row(session, name, 0, len(ours))


def _same(record: Turned) -> bool:
    before, after = record.before, record.after
    if before is None or before.id != after.id or before.head is None or after.head is None:
        return False
    same = before.head is after.head or before.head.raw_tools == after.head.raw_tools
    return same and before.birth == after.birth and before.requests > 0


def _sent(text: bytes, name: str, birth: Birth | None, searched: bool) -> int:
    """Return how many bytes of a definition the model is given."""
    if birth is None or name not in birth.reduced:
        return len(text)
    if searched:
        return len(text) if name in birth.called else 0
    less = short(text) if birth.way == "short" else None
    return len(text) if less is None else len(less)


def _row(session: Session, name: str, size: int, sent: int) -> Row:
    return {
        "session": session.id,
        "tool": name,
        "request": session.requests,
        "bytes": size,
        "sent_bytes": sent,
    }
