"""Which files are worked through, and what each of them holds.

Rule of this file: a file is told apart by its content. Its name says only whether it is worth
opening, and what it promised.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

import click

from pichay_core.store.history import is_database, trace_of
from pichay_core.traces import NotATrace, Trace, decode, read
from pichay_core.wire.jsontext import value

SUFFIXES = (".jsonl", ".json", ".zst", ".gz", ".db", ".sqlite")
"""What recordings are called. Inside of folders nothing else is opened."""
_TEXTS = {".json", ".jsonl"}
"""Suffixes that promise JSON: a file that does not keep it is broken, not foreign."""
_OURS = {"_sqlite_migrations", "sessions", "turns", "pages"}
"""Tables by which a database is told to be Pichay's."""


class Foreign(NotATrace):
    """The file holds something else than a recording. In a folder that is no error."""


def find(paths: Iterable[Path]) -> list[Path]:
    """Return each file as named, and each folder's recordings by name, none twice.

    Raises a ClickException for a path that is not there.
    """
    found = (file for path in paths for file in _recordings(path.expanduser()))
    return list(dict.fromkeys(found))


def _recordings(path: Path) -> Iterable[Path]:
    if path.is_dir():
        inside = (file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
        return sorted(file for file in inside if file.is_file())
    if not path.exists():
        raise click.ClickException(f"{path} does not exist. Name a recording, or a folder of them.")
    return [path]


def own_history(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the folders that are there of those that Claude Code and Codex record in."""
    return [folder for folder in history_folders(environment) if folder.is_dir()]


def history_folders(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the folders that Claude Code and Codex record the user's sessions in."""
    claude = Path(environment.get("CLAUDE_CONFIG_DIR") or "~/.claude")
    codex = Path(environment.get("CODEX_HOME") or "~/.codex")
    return [claude.expanduser() / "projects", codex.expanduser() / "sessions"]


def recording(path: Path) -> Trace:
    """Return the recorded session in a file, its name being that of the file.

    Raises OSError; Foreign if the file holds something else; NotATrace if it is broken.
    """
    if is_database(path):
        return _database(path)
    data = path.read_bytes()
    name = path.name.partition(".")[0] or path.name
    try:
        return read(name, data)
    except NotATrace as error:
        said = str(error).removeprefix(f"{name}: ")
        raise (Foreign if _is_foreign(path, data) else NotATrace)(said) from error


def _database(path: Path) -> Trace:
    try:
        return trace_of(path)
    except NotATrace as error:
        said = str(error).removeprefix(f"{path}: ")
        raise (NotATrace if _is_ours(path) else Foreign)(said) from error


def _is_ours(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            names = {row[0] for row in db.execute("select name from sqlite_master")}
    except sqlite3.Error:
        return False
    return names >= _OURS


def _is_foreign(path: Path, data: bytes) -> bool:
    """True for a file that is empty, or whole and simply something else."""
    if not data.strip() or not _TEXTS & {suffix.lower() for suffix in path.suffixes}:
        return True
    return _succeeds(partial(decode, path.name, data)) or _succeeds(partial(value, data))


def _succeeds(reading: Callable[[], object]) -> bool:
    try:
        reading()
    except ValueError:
        return False
    return True


def size(path: Path) -> int:
    """Return the bytes of a file; 0 if it cannot be asked."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
