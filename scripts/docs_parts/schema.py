"""The page on the database: its tables by their descriptions, its examples by a recording."""

import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import get_args

from docs_parts.marked import renewed, row
from pichay_cli.sql_view import alone, plain_table
from pichay_core.events import Event
from pichay_core.store.asking import ask, open_for_questions
from pichay_core.store.described import ANSWERS, INTRODUCTION, TABLES, Column, Described

EXAMPLE = re.compile(
    r"(?<=```sql\n)(?P<query>[^`]+)(?P<between>```\n\n```text\n)(?P<result>[^`]*)(?=```)"
)
WIDTH = 100


def schema(page: str, database: Path) -> str:
    """Return the page with the results that its examples have in *database*, and the tables."""
    with closing(open_for_questions(database)) as connection:

        def answered(found: re.Match[str]) -> str:
            text, answer = alone(ask(connection, found["query"]))
            lines = text.rstrip("\n").split("\n") if text else plain_table(answer)
            return found["query"] + found["between"] + "".join(f"{line}\n" for line in lines)

        page = EXAMPLE.sub(answered, page)
    for name, part in _parts().items():
        page = renewed(page, f"<!-- {name} -->", part)
    return page


def _parts() -> dict[str, str]:
    happened = [one for one in TABLES if not one.inner]
    return {
        "introduction": _wrapped(INTRODUCTION),
        "views": _sections(ANSWERS),
        "kinds": "\n".join(_kinds()),
        "tables": _sections(happened),
        "inner tables": _sections(one for one in TABLES if one.inner),
    }


OWN_COLUMNS = {"page", "tokens", "why", "kind"}
"""Of an event's facts those that have a column of their own in table ``events``."""


def _kinds() -> Iterator[str]:
    yield "| kind | what happened | in `detail` |\n|---|---|---|"
    for event in get_args(Event.__value__):
        said = " ".join((event.__doc__ or "").partition("\n\n")[0].split()).replace("``", "`")
        rest = ", ".join(f"`{one.name}`" for one in fields(event) if one.name not in OWN_COLUMNS)
        yield f"| `{event.__name__.lower()}` | {said} | {rest} |"
    refused = "A client refused our certificate for a host."
    yield f"| `tls_failed` | {refused} | `host`, `error`, `client` |"


def _sections(some: Iterable[Described]) -> str:
    return "\n\n".join("\n".join(_section(one)) for one in some)


def _section(one: Described) -> Iterator[str]:
    yield f"### {one.name}\n"
    yield f"{one.question} {one.sentence}" if one.question else one.sentence
    yield "\n| column | type | unit | meaning | null |\n|---|---|---|---|---|"
    yield from map(_column, one.columns)


def _column(column: Column) -> str:
    mark = " †" if column.conversation else " ‡" if column.quoting else ""
    meaning = f"{column.meaning}{mark}"
    null = column.null or "never"
    return row((f"`{column.name}`", column.type, column.unit, meaning, null))


def _wrapped(text: str) -> str:
    lines, line = [], ""
    for word in text.split():
        if len(line) + len(word) + 1 > WIDTH:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return "\n".join([*lines, line])
