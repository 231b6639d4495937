"""What a description is: a table or view in a sentence, each column in a line.

Rule of this file: a description is written once, as lines of text that a person can read, and
everything that shows one (docs, ``pichay sql``, Datasette, the export) is made from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

TYPES = ("integer", "real", "text", "blob")
CONVERSATION = "*"
"""Behind a type: the column holds words of the conversation, not only facts about it."""
QUOTING = "~"
"""Behind a type: a reason, which may quote the model, the provider or an error."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table or view."""

    name: str
    type: str
    """One of ``TYPES``: what its values are, where they are not null."""
    unit: str
    """Empty for a name, a word or a count."""
    meaning: str
    null: str
    """When it is null; empty if it never is."""
    conversation: bool = False
    """It holds words of the conversation: exported only where content is asked for."""
    quoting: bool = False
    """It holds a reason and may quote somebody: the quote is exported only with content."""


@dataclass(frozen=True, slots=True)
class Described:
    """One table or view."""

    name: str
    sentence: str
    columns: tuple[Column, ...]
    session: str | None = "session"
    """The column that names the session; None if there is none."""
    at: str | None = "at"
    """The column with its time in seconds since the epoch; None if there is none."""
    inner: bool = False
    """What Pichay itself needs, for a restart or for speed: exported only by name."""
    question: str = ""
    """What a view answers; empty for a table."""
    order: str = ""
    """In which its rows answer best."""

    @property
    def query(self) -> str:
        """The query that answers the question."""
        return f"select * from {self.name}" + (f" order by {self.order}" if self.order else "")


def columns(lines: str) -> tuple[Column, ...]:
    """Return the columns of lines ``name type | unit | meaning | null when``.

    A line that begins with blanks goes on with the one before.
    """
    return tuple(map(_column, _whole(lines)))


def _whole(lines: str) -> Iterator[str]:
    whole = ""
    for line in lines.strip().splitlines():
        if line[0] != " " and whole:
            yield whole
            whole = ""
        whole = f"{whole} {line.strip()}".strip()
    yield whole


def _column(line: str) -> Column:
    first, unit, meaning, null = (part.strip() for part in line.split("|"))
    name, type_ = first.split()
    said, quoting = type_.endswith(CONVERSATION), type_.endswith(QUOTING)
    bare = type_.rstrip(CONVERSATION + QUOTING)
    return Column(name, bare, unit, meaning, null, said, quoting)
