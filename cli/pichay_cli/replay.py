"""``pichay replay``: what recorded sessions would have cost under Pichay."""

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
from pichay_cli.births import birth_options, profiles
from pichay_cli.recording import json_option
from pichay_cli.render import display, inset
from pichay_cli.replay_view import replay_sheet, report_data
from pichay_cli.replaying import POLICY_NAMES, Given, Plan, worker, world_of, world_options
from pichay_core.replay import Report, together
from pichay_core.schedule import SCHEDULES

_PLAN = Plan()


@click.command()
@paths_argument
@click.option(
    "--policy",
    type=click.Choice(POLICY_NAMES),
    default=_PLAN.policy,
    show_default=True,
    help="Which page goes first.",
)
@click.option(
    "--schedule",
    type=click.Choice(list(SCHEDULES)),
    default=_PLAN.schedule,
    show_default=True,
    help="When to flush.",
)
@click.option(
    "--tau",
    type=click.IntRange(min=1),
    default=_PLAN.tau,
    show_default=True,
    help="Turns a page stays at least.",
)
@click.option(
    "--flush-tokens",
    type=click.IntRange(min=1),
    default=_PLAN.flush_tokens,
    show_default=True,
    help="batch: flush when this many tokens are pending.",
)
@click.option(
    "--keep-tokens",
    type=click.IntRange(min=0),
    default=_PLAN.keep_tokens,
    show_default=True,
    help="lru, size: keep pages of so many tokens in the window.",
)
@click.option(
    "--no-boundary",
    is_flag=True,
    help="No cache marker on the eviction boundary, as in the paper's configuration.",
)
@birth_options
@world_options
@json_option
@jobs_option
@dask_option
def replay(
    paths: tuple[Path, ...],
    policy: str,
    schedule: str,
    tau: int,
    flush_tokens: int,
    keep_tokens: int,
    no_boundary: bool,
    birth: bool,
    as_json: bool,
    jobs: int,
    dask: str | None,
    **given: Any,
) -> None:
    """Replay recorded sessions through the pager; no API is called.

    Without a PATH: your own history of Claude Code and Codex.
    """
    plan = Plan(policy, schedule, tau, flush_tokens, not no_boundary, keep_tokens, birth)
    troubles = Troubles()
    found = _replayed(chosen(paths, "replay"), plan, world_of(**given), jobs, dask, troubles)
    troubles.say()
    whole = together([report for _, report in found])
    if as_json:
        files = [{"path": str(path), **report_data(report)} for path, report in found]
        click.echo(json.dumps({"overall": report_data(whole), "sessions": files}, indent=2))
    elif found:
        display(inset(replay_sheet(plan.name, found, whole)))
    raise SystemExit(troubles.exit_code)


def _replayed(
    paths: list[Path], plan: Plan, world: Given, jobs: int, dask: str | None, troubles: Troubles
) -> list[tuple[Path, Report]]:
    work = worker([plan], world, with_bound=False)
    told = profiles(paths, world, jobs, dask) if plan.birth else {}
    done = worked(paths, work, jobs, dask, troubles, told)
    return [(path, outcome.reports[0]) for path, outcome in done]
