"""``pichay probe [PATH...]``: what recorded sessions are made of, and what of it is waste."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from pichay_cli.batch import Troubles, chosen, dask_option, jobs_option, paths_argument, worked
from pichay_cli.probe_view import drawing
from pichay_cli.recording import json_option
from pichay_cli.render import display, inset
from pichay_cli.sources import recording
from pichay_core.probe import Probe, amplification, measure, together


@dataclass(frozen=True, slots=True)
class Measured:
    """One recording, measured."""

    format: str
    probe: Probe


@click.command()
@paths_argument
@json_option
@jobs_option
@dask_option
@click.pass_context
def probe(
    ctx: click.Context, paths: tuple[Path, ...], as_json: bool, jobs: int, dask: str | None
) -> None:
    """Measure recorded sessions: what is sent again and again, and what of it is waste.

    PATH is a recording or a folder of them. Without one, your own Claude Code and Codex history
    is measured. Nothing is sent anywhere.
    """
    formats: defaultdict[str, Probe] = defaultdict(Probe)
    troubles = Troubles()
    for _, one in worked(chosen(paths, "probe"), measured, jobs, dask, troubles):
        formats[one.format] = formats[one.format].plus(one.probe)
    if as_json:
        click.echo(json.dumps(as_data(formats), indent=2))
    elif formats:
        display(inset(drawing(formats)))
    troubles.say()
    ctx.exit(troubles.exit_code)


def measured(path: Path) -> Measured:
    """Return the measurement of one file. Raises NotATrace and OSError."""
    trace = recording(path)
    return Measured(trace.format, measure(trace))


def as_data(formats: Mapping[str, Probe]) -> dict[str, Any]:
    """Return the measurements as plain data: all together, and by format."""
    return {
        "overall": probe_data(together(formats.values())),
        "formats": {name: probe_data(one) for name, one in sorted(formats.items())},
    }


def probe_data(one: Probe) -> dict[str, Any]:
    """Return one measurement; sizes are bytes, waste is bytes once for each request."""
    counts = ("recordings", "conversations", "requests", "results", "opaque", "skipped")
    return {
        **{name: getattr(one, name) for name in counts},
        "bytes": {sort.name.lower(): one.bytes[sort] for sort in one.bytes},
        "tools": dict(one.tools.most_common()),
        "kinds": {kind.value: size for kind, size in one.kinds.most_common()},
        "amplification": {
            "main": asdict(amplification(one.main)),
            "subagents": asdict(amplification(one.subagents)),
        },
        "waste": asdict(one.waste) | {"unused_tool_definitions": None},
        "again": asdict(one.again),
        "age_rule": asdict(one.age_rule),
    }
