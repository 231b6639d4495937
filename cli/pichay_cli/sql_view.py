"""Answers to questions in SQL, and what can be asked, as drawings.

Rule of this file: a value is shown whole or not at all. Where a row is wider than the screen, it
is drawn as a record, one value a line. Numbers stand as they are recorded, so that they can be
pasted into the next question.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from pichay_cli.amounts import times
from pichay_cli.formats import as_size
from pichay_cli.render import (
    QUIET,
    STRONG,
    Cell,
    Column,
    RenderableType,
    Sheet,
    line,
    lines,
    section,
    stack,
)
from pichay_core.store import described
from pichay_core.store.asking import Answer, Value
from pichay_core.store.described import ANSWERS, TABLES, Described

MOST_ROWS = 1_000
"""Rows of a table on a screen. The other formats have no bound."""
DIGITS = 6
"""Behind the point."""
BETWEEN = "  "
_NULL = "null"


def text(value: Value) -> str:
    """A value in one line."""
    match value:
        case None:
            return _NULL
        case bytes():
            return as_size(value)
        case float():
            return repr(round(value, DIGITS))
        case _:
            return " ".join(str(value).expandtabs(1).splitlines())


def alone(answer: Answer) -> tuple[str | None, Answer]:
    """The text of several lines that is all of an answer, if it is one; and the answer, whole."""
    first = list(islice(answer.rows, 2))
    whole = Answer(answer.columns, _again(first, answer))
    match [list(row) for row in first]:
        case [[str(said)]] if "\n" in said:
            return said, whole
        case _:
            return None, whole


def _again(first: list[Sequence[Value]], answer: Answer) -> Iterator[Sequence[Value]]:
    yield from first
    yield from answer.rows


def plain_table(answer: Answer) -> Iterator[str]:
    """The lines of a table for a pipe: as wide as it is, every row of it."""
    rows = [list(map(text, row)) for row in answer.rows]
    numbers = _numbers(len(answer.columns), rows)
    widths = [max(map(len, each)) for each in zip(answer.columns, *rows, strict=True)]
    for row in (answer.columns, *rows):
        cells = zip(row, widths, numbers, strict=True)
        yield BETWEEN.join(c.rjust(w) if n else c.ljust(w) for c, w, n in cells).rstrip()


def answer_sheet(answer: Answer, width: int) -> RenderableType:
    """The answer on a screen of so many columns, its first rows if there are too many."""
    rows = [list(map(text, row)) for row in islice(answer.rows, MOST_ROWS + 1)]
    shown, more = rows[:MOST_ROWS], len(rows) > MOST_ROWS
    parts = [_sheet(answer.columns, shown, width), line((_count(len(shown), more), QUIET))]
    return lines(parts)


def _count(shown: int, more: bool) -> str:
    if more:
        return f"the first {times(shown, 'row')}; --format csv writes all of them"
    return times(shown, "row")


def _sheet(names: Sequence[str], rows: list[list[str]], width: int) -> RenderableType:
    needed = sum(max(map(len, each)) for each in zip(names, *rows, strict=True))
    if needed + len(BETWEEN) * (len(names) - 1) > width:
        return lines(_records(names, rows))
    numbers = _numbers(len(names), rows)
    columns = [Column(name, right=number) for name, number in zip(names, numbers, strict=True)]
    return Sheet(columns, [list(map(_cell, row)) for row in rows])


def _records(names: Sequence[str], rows: list[list[str]]) -> Iterator[RenderableType]:
    for row in rows:
        yield Sheet(
            (Column(style=QUIET), Column()),
            [(name, _cell(value)) for name, value in zip(names, row, strict=True)],
        )
        yield ""


def _cell(value: str) -> Cell:
    return (value, QUIET) if value == _NULL else value


def _numbers(columns: int, rows: Sequence[Sequence[str]]) -> list[bool]:
    """For each column whether all of its values are numbers."""
    return [all(_is_number(row[at]) for row in rows) for at in range(columns)]


def _is_number(value: str) -> bool:
    return value == _NULL or value.lstrip("-").replace(".", "", 1).isdigit()


def overview() -> RenderableType:
    """The tables and views, a line each."""
    happened = [one for one in TABLES if not one.inner]
    return stack(
        section("Views: the common questions", _listed(ANSWERS)),
        section("Tables: what happened", _listed(happened)),
        section("Tables: what Pichay itself needs", _listed([one for one in TABLES if one.inner])),
        lines(map(line, _ADVICE)),
    )


_ADVICE = (
    "pichay sql --schema turns            every column of it, with its unit",
    'pichay sql "select * from faults"    a question',
)


def _listed(some: Sequence[Described]) -> RenderableType:
    return Sheet((Column(style=STRONG), Column()), [(one.name, one.sentence) for one in some])


def schema_sheets(some: Sequence[Described]) -> RenderableType:
    """Tables and views with every column: type, unit, what it is, when it is null."""
    return stack(*map(_schema, some))


def _schema(one: Described) -> RenderableType:
    rows = [(column.name, column.type, _meaning(column)) for column in one.columns]
    titles = (Column("column"), Column("type"), Column())
    return section(one.name, lines([line(one.sentence), Sheet(titles, rows)]))


def _meaning(column: described.Column) -> str:
    unit = f"{column.unit}: " if column.unit else ""
    null = f". Null: {column.null}" if column.null else ""
    return f"{unit}{column.meaning}{null}"
