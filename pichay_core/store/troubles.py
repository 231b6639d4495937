"""What a recording says of trouble between Pichay, the client and the provider.

Rule of this file: the latest of each, with how often. Nothing is judged: ``pichay doctor`` does.
"""

from dataclasses import dataclass

from pichay_core.hosts import UNDECRYPTED
from pichay_core.neighbours import TWO
from pichay_core.store.database import Database
from pichay_core.store.recorder import WAITED
from pichay_core.store.scope import EVERYTHING, Row, Scope, rows, where


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of trouble. Times are seconds since the epoch."""

    what: str
    """What it is of: a host, a session."""
    why: str
    times: int
    first_at: float
    last_at: float
    client: str = ""
    """The program concerned, as far as it said so."""


@dataclass(frozen=True, slots=True)
class Troubles:
    """All that is recorded, the latest first."""

    undecrypted: tuple[Trouble, ...] = ()
    """By host: traffic of a model that passed undecrypted."""
    refusals: tuple[Trouble, ...] = ()
    """By host and client: refused certificates."""
    shared: tuple[Trouble, ...] = ()
    """By what was said: sessions that another program edits too; ``what`` is the last of them."""
    frozen: tuple[Trouble, ...] = ()
    """By session: those that are only observed. ``times`` counts the requests since."""
    waited: tuple[Trouble, ...] = ()
    """Times in which the recording could not be written, by what was said."""
    requests: int = 0
    """That were read."""
    events: int = 0
    last_request: float | None = None


def troubles(db: Database, scope: Scope = EVERYTHING) -> Troubles:
    """Return what went wrong in scope."""
    clause = where(scope)
    refused = _REFUSALS.format(where=where(scope, also="kind = 'tls_failed'"))
    (seen,) = rows(db, f"select count(*) count, max(at) last from turns {clause}", scope)
    (events,) = rows(db, f"select count(*) count from events {clause}", scope)
    return Troubles(
        undecrypted=_warned(db, scope, UNDECRYPTED, _HOST, _AFTER_HOST),
        refusals=_asked(db, refused, scope),
        shared=_warned(db, scope, TWO, "max(session)", _SAID),
        frozen=_asked(db, _FROZEN.format(where=where(scope, "id", "last_at", _IS_FROZEN)), scope),
        waited=_warned(db, scope, WAITED, "''", _SAID),
        requests=seen["count"],
        events=events["count"],
        last_request=seen["last"],
    )


_SAID = "json_extract(detail, '$.detail')"
_HOST = f"substr({_SAID}, 1, instr({_SAID}, ': ') - 1)"
_AFTER_HOST = f"substr({_SAID}, instr({_SAID}, ': ') + 2)"
_REFUSALS = """
    select json_extract(detail, '$.host') what, json_extract(detail, '$.error') why,
        coalesce(json_extract(detail, '$.client'), '') client, count(*) times,
        min(at) first_at, max(at) last_at
    from events {where} group by what, client order by last_at desc
"""
_IS_FROZEN = "frozen is not null"
_FROZEN = """
    select id what, frozen why, client,
        coalesce((select max(at) from events
            where events.session = sessions.id and kind = 'frozen'), last_at) first_at, last_at,
        (select count(*) from turns where turns.session = sessions.id and turns.at >= coalesce(
            (select max(at) from events where events.session = sessions.id and kind = 'frozen'),
            sessions.last_at)) times
    from sessions {where} order by last_at desc
"""


def _warned(db: Database, scope: Scope, why: str, what: str, said: str) -> tuple[Trouble, ...]:
    """Return the warnings of one kind, by what they are of and what they say."""
    clause = where(scope, also="kind = 'warned' and why = :why")
    sql = f"""
        select {what} what, {said} why, '' client, count(*) times,
            min(at) first_at, max(at) last_at
        from events {clause} group by json_extract(detail, '$.detail') order by last_at desc
    """
    return tuple(map(_trouble, rows(db, sql, scope, why=why)))


def _asked(db: Database, sql: str, scope: Scope) -> tuple[Trouble, ...]:
    return tuple(map(_trouble, rows(db, sql, scope)))


def _trouble(row: Row) -> Trouble:
    return Trouble(
        what=row["what"] or "",
        why=row["why"] or "",
        times=row["times"],
        first_at=row["first_at"],
        last_at=row["last_at"],
        client=row["client"] or "",
    )
