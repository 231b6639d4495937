"""What Pichay would have saved in recordings: the default plan, replayed.

Rule of this file: a recording whose model is not known is priced as a named one, and counted.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import groupby

from pichay_cli.replaying import Given, Plan
from pichay_core.prefix import cache_for
from pichay_core.replay import Report, replay_all, together
from pichay_core.traces import Conversation, Trace

ASSUMED = "claude-opus-4-5"
"""Cache and prices where nobody knows how the recorded model is cached, or none is recorded."""
PLAN = Plan(birth=True)


@dataclass(frozen=True, slots=True)
class Saving:
    """What recordings with tool results come to under the default plan, beside untouched."""

    recordings: int = 0
    assumed: int = 0
    """Of these, those with a conversation that is priced as another model."""
    report: Report = field(default_factory=Report)


def added(savings: Iterable[Saving]) -> Saving:
    """Return all of them as one."""
    every = list(savings)
    return Saving(
        sum(one.recordings for one in every),
        sum(one.assumed for one in every),
        together([one.report for one in every]),
    )


def saving(trace: Trace, given: Given) -> Saving:
    """Return what a recording comes to; nothing if it holds no tool results.

    The model that is given, if one is, stands for the recorded ones.
    """
    if not any(map(_has_results, trace.conversations)):
        return Saving()
    taken = sorted(((_taken_as(told, given), told) for told in trace.conversations), key=_first)
    reports = [
        _replayed([told for _, told in same], replace(given, model=model), known)
        for (model, known), same in groupby(taken, _first)
    ]
    assumed = not all(known for (_, known), _ in taken)
    return Saving(1, int(assumed), together(reports))


def _replayed(told: list[Conversation], given: Given, known: bool) -> Report:
    """Return what conversations of one model come to; in tokens only if it was not recorded."""
    report = replay_all(told, given.setup(PLAN))
    return report if known else replace(report, priced=0, dollars=0.0, untouched_dollars=0.0)


def _taken_as(told: Conversation, given: Given) -> tuple[str, bool]:
    """Return the model that a conversation is taken for, and whether it is really known."""
    model = given.model or _recorded(told)
    return (model, True) if cache_for(model) else (ASSUMED, False)


def _has_results(told: Conversation) -> bool:
    return any(message.results for step in told.steps for message in step.new)


def _recorded(told: Conversation) -> str:
    """Return the first model that a conversation names, else nothing."""
    return next((step.model for step in told.steps if step.model), "")


def _first[T](pair: tuple[T, Conversation]) -> T:
    return pair[0]
