"""``pichay compare``: policies and schedules side by side over recorded sessions."""

import json
from pathlib import Path
from typing import Any

import click

from pichay_cli.batch import (
    Troubles,
    chosen,
    dask_option,
    jobs_option,
    paths_argument,
    worked,
)
from pichay_cli.recording import json_option
from pichay_cli.render import display, inset
from pichay_cli.replay_view import Row, compare_sheet, row_data
from pichay_cli.replaying import PAPER, Outcome, Plan, worker, world_of, world_options
from pichay_core.policies import POLICIES
from pichay_core.schedule import SCHEDULES

_TAUS = (4, 1)


def plans() -> list[Plan]:
    """Return what is compared: the paper's configuration first, then every policy and schedule."""
    others = [
        Plan(policy, schedule, tau)
        for policy in POLICIES
        for schedule in SCHEDULES
        for tau in _TAUS
    ]
    return [PAPER, *others]


@click.command()
@paths_argument
@world_options
@json_option
@jobs_option
@dask_option
def compare(
    paths: tuple[Path, ...], as_json: bool, jobs: int, dask: str | None, **given: Any
) -> None:
    """Compare policies and schedules over recorded sessions, with the bound nobody can beat.

    Without a PATH: your own history of Claude Code and Codex.
    """
    compared, troubles = plans(), Troubles()
    work = worker(compared, world_of(**given), with_bound=True)
    outcomes = [o for _, o in worked(chosen(paths, "compare"), work, jobs, dask, troubles)]
    troubles.say()
    rows = [_row(plan, number, outcomes) for number, plan in enumerate(compared)]
    least = _least(outcomes)
    if as_json:
        data = {"plans": [row_data(row) for row in rows], "bound": {"net": least}}
        click.echo(json.dumps(data | {"sessions": len(outcomes)}, indent=2))
    elif outcomes:
        display(inset(compare_sheet(rows, least)))
    raise SystemExit(troubles.exit_code)


def _row(plan: Plan, number: int, outcomes: list[Outcome]) -> Row:
    return Row(plan, tuple(outcome.reports[number] for outcome in outcomes))


def _least(outcomes: list[Outcome]) -> float:
    untouched = sum(outcome.reports[0].untouched_cost for outcome in outcomes)
    return sum(outcome.least or 0.0 for outcome in outcomes) / untouched if untouched else 1.0
