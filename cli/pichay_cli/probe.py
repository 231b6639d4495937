"""``pichay probe [PATH...]``: what recorded sessions are made of, and what of it is waste."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from pichay_cli.batch import Troubles, chosen, dask_option, jobs_option, paths_argument, worked
from pichay_cli.probe_view import drawing, saved
from pichay_cli.recording import json_option
from pichay_cli.render import display, inset
from pichay_cli.replay_view import report_data
from pichay_cli.replaying import Given, given_of, model_option
from pichay_cli.saving import ASSUMED, PLAN, Saving, added, saving
from pichay_cli.sources import recording
from pichay_core.probe import Probe, amplification, measure, together


@dataclass(frozen=True, slots=True)
class Measured:
    """One recording, or all of a format, measured."""

    format: str
    probe: Probe
    saving: Saving


@click.command()
@paths_argument
@model_option
@json_option
@jobs_option
@dask_option
@click.pass_context
def probe(
    ctx: click.Context,
    paths: tuple[Path, ...],
    model: str,
    as_json: bool,
    jobs: int,
    dask: str | None,
) -> None:
    """Measure recorded sessions: what is sent again and again, and what of it is waste.

    PATH is a recording or a folder of them. Without one, your own Claude Code and Codex history
    is measured. Nothing is sent anywhere.
    """
    troubles = Troubles()
    work = partial(measured, given_of(model))
    found = [one for _, one in worked(chosen(paths, "probe"), work, jobs, dask, troubles)]
    formats = _by_format(found)
    if as_json:
        click.echo(json.dumps(as_data(formats), indent=2))
    elif formats:
        probes = {name: one.probe for name, one in formats.items()}
        display(inset(drawing(probes, saved(added(one.saving for one in found)))))
    troubles.say()
    ctx.exit(troubles.exit_code)


def measured(given: Given, path: Path) -> Measured:
    """Return the measurement of one file. Raises NotATrace and OSError."""
    trace = recording(path)
    return Measured(trace.format, measure(trace), saving(trace, given))


def _by_format(found: Sequence[Measured]) -> dict[str, Measured]:
    same: defaultdict[str, list[Measured]] = defaultdict(list)
    for one in found:
        same[one.format].append(one)
    return {name: _together(name, every) for name, every in same.items()}


def _together(name: str, every: Iterable[Measured]) -> Measured:
    parts = list(every)
    probes, savings = (one.probe for one in parts), (one.saving for one in parts)
    return Measured(name, together(probes), added(savings))


def as_data(formats: Mapping[str, Measured]) -> dict[str, Any]:
    """Return the measurements as plain data: all together, and by format."""
    return {
        "overall": _measured_data(_together("", formats.values())),
        "formats": {name: _measured_data(one) for name, one in sorted(formats.items())},
    }


def _measured_data(one: Measured) -> dict[str, Any]:
    return probe_data(one.probe) | {"saved": saving_data(one.saving)}


def saving_data(one: Saving) -> dict[str, Any]:
    """Return what Pichay would have saved; costs are in tokens at the base input price."""
    return {
        "plan": PLAN.name,
        "recordings": one.recordings,
        "assumed": {"recordings": one.assumed, "model": ASSUMED},
        **report_data(one.report),
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
