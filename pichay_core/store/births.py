"""What was sent smaller from the first time on, and what it saved.

Rule of this file: one pass over the turns, or their sums. Amounts are tokens over all requests in
scope: a definition that stays away from ten requests counts ten times, as it would have been
billed.
"""

from dataclasses import dataclass

from pichay_core.store.database import Database
from pichay_core.store.scope import EVERYTHING, Scope, rows, where
from pichay_core.store.totals import turn_sums


@dataclass(frozen=True, slots=True)
class Births:
    """What of the requests in scope is due to how their sessions were born."""

    requests: int = 0
    """In which anything was sent smaller, or the model was told of paging."""
    definitions: int = 0
    """Tokens of tool definitions that were not sent."""
    protocol: int = 0
    """Tokens that tell the model of paging."""
    shortened: int = 0
    """Tokens of what a message repeats or brings too much of, not sent."""
    saved_tokens: float = 0.0
    """What all that saved, less what the protocol cost: as many tokens of plain input as cost
    the same; negative is a loss."""
    saved_dollars: float | None = None
    """None where no price is known."""


def births(db: Database, scope: Scope = EVERYTHING) -> Births:
    """Return what births brought in scope; nothing of a recording that does not say."""
    if "birth_saved_tokens" not in db["turns"].columns_dict:
        return Births()
    sql = f"select {_SUMS} from {turn_sums(db, scope)} {where(scope)}"
    (row,) = rows(db, sql, scope)
    return Births(**row)


_SUMS = """
    ifnull(sum(born), 0) requests,
    ifnull(sum(definitions), 0) definitions,
    ifnull(sum(protocol), 0) protocol,
    ifnull(sum(shortened), 0) shortened,
    total(birth_saved) saved_tokens,
    iif(sum(birth_priced), total(birth_dollars), null) saved_dollars
"""
