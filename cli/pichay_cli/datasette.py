"""What Datasette needs to show a recording: descriptions, and the common questions as queries.

Rule of this file: all of it is made from the descriptions of the store. It is YAML as far as JSON
strings are YAML, and holds nothing of the recording.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from pichay_cli.recording import usable
from pichay_core.store.asking import is_up_to_date
from pichay_core.store.described import ALL, ANSWERS, INTRODUCTION, Column, Described
from pichay_core.store.schema import open_for_writing

DATABASE = "pichay"
"""The name that Datasette gives to ``pichay.db``."""
_TITLE = "What Pichay recorded"
_SOURCE = "pichay sql --datasette"
_OURS = "_sqlite_migrations"
"""Which migrations the file has seen: nothing to be looked at."""

type Tree = Mapping[str, "Tree | str | bool"]


def write(path: Path, database: Path) -> str:
    """Write the file for a recording and return how to serve it.

    A recording of an older version is brought up to date, or Datasette would not find the views.
    Raises ClickException with what to do.
    """
    name = database.stem
    try:
        path.write_text(yaml(metadata(name)), "utf-8")
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from error
    with usable(database):
        if database.exists() and not is_up_to_date(database):
            open_for_writing(database).conn.close()
    return f"Serve it, on this machine only, with: datasette {database} -m {path}"


def metadata(database: str = DATABASE) -> Tree:
    """What Datasette calls metadata, for a database of that name."""
    return {
        "title": _TITLE,
        "description": " ".join(INTRODUCTION.replace("*", "").split()),
        "databases": {
            database: {
                "tables": {_OURS: {"hidden": True}, **{one.name: _table(one) for one in ALL}},
                "queries": {_name(one): _query(one) for one in ANSWERS},
            }
        },
    }


def _table(one: Described) -> Tree:
    columns: Tree = {column.name: _column(column) for column in one.columns}
    hidden: Tree = {"hidden": True} if one.inner else {}
    return {"description": one.sentence, **hidden, "columns": columns}


def _column(column: Column) -> str:
    unit = f"{column.unit}: " if column.unit else ""
    null = f"; null: {column.null}" if column.null else ""
    return f"{unit}{column.meaning}{null}".replace("`", "")


def _name(one: Described) -> str:
    """Datasette finds a query of the name of a table before the table: so it has another."""
    return f"{one.name}_answer"


def _query(one: Described) -> Tree:
    time = f"datetime({one.at}, 'unixepoch', 'localtime') as time, " if one.at else ""
    sql = one.query.replace("select ", f"select {time}", 1)
    return {"title": one.question, "description": one.sentence, "sql": sql}


def yaml(tree: Tree) -> str:
    """The tree as YAML."""
    head = f"# Made by `{_SOURCE}` of the descriptions in pichay_core/store/described.\n"
    return head + "".join(f"{row}\n" for row in _rows(tree, ""))


def _rows(tree: Tree, before: str) -> Iterator[str]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield f"{before}{_key(name)}:"
            yield from _rows(value, f"{before}  ")
        else:
            yield f"{before}{_key(name)}: {json.dumps(value, ensure_ascii=False)}"


def _key(name: str) -> str:
    """A name as it is where it can be nothing but a name: a file may be called ``2026.db``."""
    plain = re.fullmatch(r"[a-z_]\w*", name, re.ASCII) and name not in _NO_NAMES
    return name if plain else json.dumps(name)


_NO_NAMES = {"on", "off", "yes", "no", "y", "n", "true", "false", "null"}
"""Words that YAML 1.1, section 10.2, reads as something else."""
