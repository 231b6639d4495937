"""Which tools recorded sessions were offered, and which of them their profiles leave out.

Rule of this file: what a session learns from others is found out before any is replayed, so that
the result does not depend on how many are worked on at a time.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from pichay_cli.batch import Troubles, worked
from pichay_cli.replaying import Births, Given
from pichay_cli.sources import find, recording
from pichay_core.replay import Begun, births, with_tools
from pichay_core.store.history import is_database
from pichay_core.traces import Conversation, NotATrace
from pichay_core.traces.recording import decompressed
from pichay_core.wire import jsontext
from pichay_core.wire.shapes import items, mapping, string

_SIGN = b'"input_schema"'
"""Stands in every recording that holds definitions. Inside of texts its quotes are escaped."""
_ADVICE = (
    "Name a file with the tools of a request: a JSON list of Anthropic tool definitions, "
    "or a request body that holds one as 'tools'."
)

type Surveyed = tuple[tuple[str, Begun], ...]
"""The conversations of one recording, by id."""


def definitions(text: bytes) -> bytes:
    """Return the tool definitions in a file as the JSON list that a client sends.

    Raises ValueError with what to do if there are none.
    """
    try:
        said = jsontext.value(text.removeprefix(b"\xef\xbb\xbf"))
    except jsontext.Unreadable as error:
        raise ValueError(f"it is not JSON ({error}). {_ADVICE}") from error
    tools = items(mapping(said).get("tools")) or items(said)
    names = [string(mapping(tool).get("name")) for tool in tools]
    if not any(names):
        raise ValueError(f"there is no tool definition in it. {_ADVICE}")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"{twice!r} is defined twice in it. Leave one of the two.")
    return jsontext.encode(tools)


def _read(_ctx: object, _param: object, path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return definitions(path.read_bytes())
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise click.BadParameter(f"{path}: {said}") from error


def birth_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options that say what sessions were given at their birth."""
    tools = click.option(
        "--definitions",
        "tools",
        type=click.Path(path_type=Path),
        callback=_read,
        metavar="FILE",
        help="Definitions that sessions were offered where none are recorded: JSON, a list of "
        "tools or a request with one.",
    )
    birth = click.option(
        "--birth/--no-birth",
        default=True,
        show_default=True,
        help="Send definitions of tools that earlier sessions of a project did not use in short, "
        "and tell the model of paging.",
    )
    return birth(tools(verb))


def profiles(
    paths: Sequence[Path], world: Given, jobs: int, dask: str | None
) -> Mapping[Path, Births]:
    """Return for each recording what its conversations are given, by all that came before them.

    Recordings are read for it if tools are named, or if they hold definitions of their own. What
    is wrong with one of them is said when it is replayed.
    """
    named = world.tools is not None
    holding = [path for path in find(paths) if named or _holds_definitions(path)]
    if not holding:
        return {}
    surveyed = list(worked(holding, partial(survey, world), jobs, dask, Troubles()))
    found = iter(births([one for _, told in surveyed for _, one in told]))
    return {path: {id: next(found) for id, _ in told} for path, told in surveyed}


def survey(world: Given, path: Path) -> Surveyed:
    """Return what the conversations of a recording teach. Raises OSError and NotATrace."""
    trace = recording(path)
    told = (with_tools(one, world.tools) for one in trace.conversations)
    return tuple((one.id, _begun(one, world, trace.format, path)) for one in told)


def _begun(told: Conversation, world: Given, client: str, path: Path) -> Begun:
    project, model = told.project or str(path.parent), world.model or told.model
    return Begun(client, project, told.kind, model, told.at, told.used, told.tools)


def _holds_definitions(path: Path) -> bool:
    """True if the file may hold tool definitions; nothing is decoded."""
    if is_database(path):
        return False
    try:
        return _SIGN in decompressed(path.name, path.read_bytes())
    except (OSError, NotATrace):
        return False
