"""``pichay compare``: policies and schedules side by side over recorded sessions."""

import json
from collections.abc import Sequence
from itertools import product
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
from pichay_cli.birth_view import PLANS, Three, birth_data, birth_sheet
from pichay_cli.births import birth_options, profiles
from pichay_cli.compare_view import Row, compare_picture, compare_sheet, row_data
from pichay_cli.plot import draw, plot_option
from pichay_cli.recording import json_option
from pichay_cli.render import display, inset, stack
from pichay_cli.replaying import (
    PAPER,
    POLICY_NAMES,
    Given,
    Outcome,
    Plan,
    worker,
    world_of,
    world_options,
)
from pichay_core.schedule import SCHEDULES

_DEFAULT = Plan()
_SIMPLEST = "fifo"
"""The policy that all schedules are compared under."""
_TAUS = (4, 1)
"""The paper's, and ours."""


def plans(
    policies: Sequence[str] = (), schedules: Sequence[str] = (), taus: Sequence[int] = ()
) -> list[Plan]:
    """Return what is compared, none twice: the paper's configuration first.

    If anything is asked for, then all combinations of it, where nothing is said every one there
    is. Else what fits on a screen: each schedule under the simplest policy, each other policy
    under the default schedule, and what Pichay does by default.
    """
    if policies or schedules or taus:
        asked = product(policies or POLICY_NAMES, schedules or SCHEDULES, taus or _TAUS)
        return list(dict.fromkeys([PAPER, *(Plan(*names) for names in asked)]))
    pairs = [
        *((_SIMPLEST, schedule) for schedule in SCHEDULES),
        *((policy, _DEFAULT.schedule) for policy in POLICY_NAMES if policy != _SIMPLEST),
    ]
    usual = (Plan(policy, schedule, tau) for policy, schedule in pairs for tau in _TAUS)
    return list(dict.fromkeys([PAPER, *usual, _DEFAULT]))


@click.command()
@paths_argument
@click.option(
    "--policy",
    "policies",
    type=click.Choice(POLICY_NAMES),
    multiple=True,
    help="Compare this one; may be said again, as may --schedule and --tau.",
)
@click.option(
    "--schedule",
    "schedules",
    type=click.Choice(list(SCHEDULES)),
    multiple=True,
    help="Likewise. What is said of the three is compared in all combinations.",
)
@click.option(
    "--tau",
    "taus",
    type=click.IntRange(min=1),
    multiple=True,
    help="Likewise: turns a page stays at least; 4 and 1 if not said.",
)
@plot_option
@birth_options
@world_options
@json_option
@jobs_option
@dask_option
def compare(
    paths: tuple[Path, ...],
    policies: tuple[str, ...],
    schedules: tuple[str, ...],
    taus: tuple[int, ...],
    plot: Path | None,
    birth: bool,
    as_json: bool,
    jobs: int,
    dask: str | None,
    **given: Any,
) -> None:
    """Compare policies and schedules over recorded sessions, with the bound nobody can beat.

    Without a PATH: your own history of Claude Code and Codex. What is compared, if nothing is
    said, is each schedule and each policy, not each with each. They page only; what is saved at
    birth stands beneath, beside the default plan.
    """
    troubles, world = Troubles(), world_of(**given)
    rows, least, births = _worked(
        plans(policies, schedules, taus),
        chosen(paths, "compare"),
        birth,
        world,
        jobs,
        dask,
        troubles,
    )
    troubles.say()
    if as_json:
        click.echo(json.dumps(_data(rows, least, births if birth else None), indent=2))
    elif rows[0].sessions:
        sheet = compare_sheet(rows, least)
        display(inset(stack(sheet, birth_sheet(births)) if birth else sheet))
    if plot and rows[0].sessions:
        draw(compare_picture(rows, least, given["model"]), plot)
        click.echo(f"Drawn: {plot}", err=True)
    raise SystemExit(troubles.exit_code)


def _worked(
    compared: list[Plan],
    files: list[Path],
    birth: bool,
    world: Given,
    jobs: int,
    dask: str | None,
    troubles: Troubles,
) -> tuple[list[Row], float, list[Three]]:
    """Return the compared plans, the bound, and the sessions as what is done at birth has them."""
    told = profiles(files, world, jobs, dask) if birth else {}
    every = list(dict.fromkeys([*compared, *(PLANS if birth else ())]))
    work = worker(every, world, with_bound=True)
    outcomes = [outcome for _, outcome in worked(files, work, jobs, dask, troubles, told)]
    rows = [_row(plan, number, outcomes) for number, plan in enumerate(compared)]
    if not birth:
        return rows, _least(outcomes), []
    places = [every.index(plan) for plan in PLANS]
    births = [Three(*(outcome.reports[at] for at in places)) for outcome in outcomes]
    return rows, _least(outcomes), births


def _data(rows: list[Row], least: float, births: list[Three] | None) -> dict[str, object]:
    data: dict[str, object] = {
        "plans": [row_data(row) for row in rows],
        "bound": {"net": least},
        "sessions": len(rows[0].sessions),
    }
    return data if births is None else data | {"birth": birth_data(births)}


def _row(plan: Plan, number: int, outcomes: list[Outcome]) -> Row:
    return Row(plan, tuple(outcome.reports[number] for outcome in outcomes))


def _least(outcomes: list[Outcome]) -> float:
    untouched = sum(outcome.reports[0].untouched_cost for outcome in outcomes)
    return sum(outcome.least or 0.0 for outcome in outcomes) / untouched if untouched else 1.0
