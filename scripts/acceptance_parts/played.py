"""What came of a run, and what two runs differ in.

Rule of this file: values, and text made of them. *Unharmed* is a client that ended as it does
without Pichay, in the same work tree, with a model that was asked the same things, and an
upstream that had to refuse nothing.
"""

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from acceptance_parts.upstream import Received

_NO_WORK = (".git/*", "*__pycache__/*")


@dataclass(frozen=True, slots=True)
class Played:
    """One run."""

    codes: tuple[int, ...]
    """Exit codes, in order."""
    tree: Mapping[str, str]
    """Hash of every file of the work tree, by path."""
    received: Sequence[Received]
    events: Mapping[str, int]
    """What Pichay recorded, by kind."""
    refused: Sequence[str]
    """What led nowhere: hosts beside the models', paths that nobody knows."""
    seconds: float

    @property
    def moves(self) -> Counter[str]:
        """What the model was asked for, less side requests. Subagents may come in between."""
        return Counter(one.move for one in self.received
                       if one.move and not one.move.startswith("side"))  # fmt: skip

    @property
    def requests(self) -> int:
        """How many replies were asked for."""
        return len(self.received)

    @property
    def bytes(self) -> int:
        """What the upstream was sent, in all."""
        return sum(one.bytes for one in self.received)

    @property
    def dollars(self) -> float | None:
        """What all of it costs; None if a model has no price."""
        costs = [one.dollars for one in self.received if not one.refusal]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    @property
    def refusals(self) -> tuple[str, ...]:
        """What the upstream refused requests for."""
        return tuple(dict.fromkeys(one.refusal for one in self.received if one.refusal))

    @property
    def last_code(self) -> int:
        """The exit code of the last command that ran."""
        return self.codes[-1] if self.codes else -1


def differences(paged: Played, plain: Played) -> tuple[str, ...]:
    """Return what harm was done, a line each; none for an unharmed client."""
    found = [f"refused: {why}" for why in paged.refusals]
    if paged.codes != plain.codes:
        found.append(f"exit codes {paged.codes}, without Pichay {plain.codes}")
    if any(plain.codes):
        found.append(f"fails without Pichay too: {plain.codes}")
    if not plain.moves:
        found.append("asked no model for anything")
    changed = {path for path in {*paged.tree, *plain.tree}
               if paged.tree.get(path) != plain.tree.get(path)}  # fmt: skip
    found += [f"{path} differs" for path in sorted(changed)]
    found += _moved(paged.moves, plain.moves)
    if failures := sum(paged.events.get(kind, 0) for kind in ("failed", "stopped")):
        found.append(f"Pichay recorded {failures} faults of its own")
    return tuple(found)


def _moved(paged: Counter[str], plain: Counter[str]) -> Iterator[str]:
    if more := paged - plain:
        yield f"moves only with Pichay: {', '.join(sorted(more))}"
    if less := plain - paged:
        yield f"moves only without: {', '.join(sorted(less))}"


def tree(project: Path, own_files: Sequence[str]) -> dict[str, str]:
    """Return the hash of every file by path, without version control and the client's own."""
    left_out = (*_NO_WORK, *own_files)
    paths = {str(path.relative_to(project)): path for path in project.rglob("*") if path.is_file()}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in sorted(paths.items())
        if not any(fnmatch(name, pattern) for pattern in left_out)
    }


def counted(database: Path) -> dict[str, int]:
    """Return how many events of each kind were recorded; none without a database."""
    if not database.exists():
        return {}
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
        return dict(db.execute("select kind, count(*) from events group by kind").fetchall())
