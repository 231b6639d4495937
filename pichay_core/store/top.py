"""What the bill was spent on: the tools, files, commands, definitions or sessions it goes to.

Rule of this file: the actual bill of each request is divided among what stood in its window, by
tokens and by what the provider charged for them (read from the cache, or not). It is an estimate,
since a bill does not say which token was which; but the parts always add up to the bill.
"""

from pichay_core.store.cost import BYS as BYS
from pichay_core.store.cost import By as By
from pichay_core.store.cost import Cost as Cost
from pichay_core.store.database import Database
from pichay_core.store.parts import Parts
from pichay_core.store.scope import EVERYTHING, Scope
from pichay_core.store.spent import Reader


def top(db: Database, scope: Scope = EVERYTHING, by: By = "tool") -> tuple[Cost, ...]:
    """Return what the bill in scope was spent on, the dearest first; then what is none of these.

    All parts together are the bill of all requests in scope: their ``dollars`` what these cost,
    their ``sent`` the tokens of the input side, but for rounding.
    """
    parts = Parts(by)
    for spent in Reader(db, scope, _NAMES[by]).sessions():
        parts.add(spent)
    return parts.costs()


_NAMES: dict[By, str] = {
    "tool": "tool",
    "file": "case when pages.kind in ('read', 'write') then coalesce(key_target, writes) end",
    "definition": "tool",
    "session": "null",
    "command": "case when json_valid(arguments) then coalesce(json_extract(arguments, "
    "'$.command'), json_extract(arguments, '$.cmd')) end",
}
"""The SQL of what a page is called."""
