"""What ``replay`` and ``compare`` have in common: options, rules by name, one file's work.

Rule of this file: what runs in another process is a value and a function of this module.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from pichay_cli.sources import recording
from pichay_core.birth.choice import Birth
from pichay_core.birth.shorter import NOTHING_SHORTER
from pichay_core.birth.shorter import Births as Shorter
from pichay_core.cacheprice import CacheMultipliers
from pichay_core.cooperate.tools import NAMES
from pichay_core.pager import Limits
from pichay_core.policies import POLICIES, USUAL_POLICY
from pichay_core.prefix import Ttl, cache_for
from pichay_core.prices import NOTHING, BadPrices, Prices
from pichay_core.replay import (
    FORESIGHT,
    TOLD,
    Report,
    Setup,
    Unpriced,
    bound,
    replay_each,
    with_tools,
)
from pichay_core.schedule import SCHEDULES, USUAL_SCHEDULE
from pichay_core.store.place import own_prices
from pichay_core.traces import Conversation, NotATrace, Trace
from pichay_core.turn import Rules

LOSS = 0.01
"""A session that costs so much more than untouched has lost money."""
DEAREST = 100
"""No cache costs more times its plain input."""
_LIMITS = Limits()
POLICY_NAMES = (*POLICIES, *FORESIGHT)
"""Those of live traffic, and those that must know the future."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to page, by the names a user gives it."""

    policy: str = USUAL_POLICY
    schedule: str = USUAL_SCHEDULE
    tau: int = 1
    flush_tokens: int = _LIMITS.flush_tokens
    boundary: bool = True
    keep_tokens: int = _LIMITS.keep
    birth: bool = False
    """What stands in front goes out shorter from the first request on, and tells of paging."""
    evicts: bool = True
    eases: bool = True
    """Thrash is answered."""

    @property
    def name(self) -> str:
        """How it is shown."""
        marker = "" if self.boundary else ", no marker"
        birth = ", birth" if self.birth else ""
        return f"{self.policy}, {self.schedule}, tau {self.tau}{marker}{birth}"


PAPER = Plan("fifo", "every-turn", 4, boundary=False, eases=False)
"""The configuration of arXiv 2603.09023: no marker on the boundary, thrash not answered."""


type Births = Mapping[str, Birth]
"""What conversations are given at their birth, by id."""
_NOBODY: Births = {}
_SHORTER = Shorter(duplicates=True)
"""What goes out shorter by default."""


@dataclass(frozen=True, slots=True)
class Given:
    """What is taken for granted while plans are compared."""

    model: str = ""
    ttl: Ttl = Ttl.MINUTES
    head: int | None = None
    read: float | None = None
    write: float | None = None
    min_bytes: int = _LIMITS.min_bytes
    prices: Prices = NOTHING
    keep_thinking: bool = False
    memory_tools: bool = False
    """Tools of ours stand in front where anything is given at birth, though nobody calls them."""
    tools: bytes | None = None
    """Definitions that are taken to have been offered where none were recorded."""

    def setup(self, plan: Plan, births: Births = _NOBODY) -> Setup:
        """Return everything that a replay needs to know."""
        limits = Limits(
            tau=plan.tau,
            min_bytes=self.min_bytes,
            flush_tokens=plan.flush_tokens,
            keep=plan.keep_tokens,
            eases=plan.eases,
        )
        multiples = None
        if self.read is not None and self.write is not None:
            multiples = CacheMultipliers(self.write, self.read)
        rules = Rules(
            POLICIES.get(plan.policy, POLICIES["fifo"]),
            SCHEDULES[plan.schedule],
            limits,
            edit=False,
            keep_thinking=self.keep_thinking,
            evicts=plan.evicts,
            births=_SHORTER if plan.birth else NOTHING_SHORTER,
            multiples=multiples,
            prices=self.prices,
        )
        foresight = FORESIGHT.get(plan.policy)
        birth = partial(_given, births, NAMES if self.memory_tools else ()) if plan.birth else None
        return Setup(rules, self.model, self.ttl, self.head, plan.boundary, foresight, birth)


def _given(births: Births, offers: tuple[str, ...], conversation: Conversation) -> Birth:
    """Return what a conversation is to be given at its birth."""
    return replace(births.get(conversation.id, TOLD), offers=offers)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one recording came to under each plan."""

    reports: tuple[Report, ...]
    least: float | None = None
    """What it costs at least, in tokens at the base input price; None if nobody asked."""


def work(
    plans: Sequence[Plan],
    world: Given,
    with_bound: bool,
    path: Path,
    births: Births = _NOBODY,
) -> Outcome:
    """Return what the recording in a file comes to. Raises OSError and NotATrace."""
    trace = recording(path)
    told = tuple(with_tools(conversation, world.tools) for conversation in trace.conversations)
    setups = [world.setup(plan, births) for plan in plans]
    try:
        return _outcome(replace(trace, conversations=told), setups, with_bound)
    except Unpriced as error:
        raise NotATrace(str(error)) from error


def _outcome(trace: Trace, setups: Sequence[Setup], with_bound: bool) -> Outcome:
    reports = replay_each(trace.conversations, setups)
    if not with_bound:
        return Outcome(reports)
    return Outcome(reports, sum(bound(told, setups[0]) for told in trace.conversations))


def worker(plans: Sequence[Plan], world: Given, with_bound: bool) -> Callable[..., Outcome]:
    """Return the work on one file, to be sent to another process."""
    return partial(work, tuple(plans), world, with_bound)


def _model(_ctx: object, _param: object, name: str) -> str:
    if name and cache_for(name) is None:
        raise click.BadParameter(
            f"it is not known how {name!r} is cached. Known are Claude, GPT and Gemini models, "
            "by names like claude-opus-4-5, gpt-5.5, gemini-2.5-pro."
        )
    return name


def _both_or_none(_ctx: object, _param: object, prices: tuple[float, float] | None) -> Any:
    if prices is not None and not all(0 < price <= DEAREST for price in prices):
        raise click.BadParameter(f"both are more than 0, and {DEAREST} at most: like 1.25 0.1")
    return prices or (None, None)


model_option = click.option(
    "--model",
    default="",
    callback=_model,
    metavar="NAME",
    help="Cache and prices of this model; the recorded one if not said.",
)
_OPTIONS: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
    model_option,
    click.option("--ttl", type=click.Choice([t.value for t in Ttl]), default=Ttl.MINUTES.value,
                 show_default=True, help="Time to live that the client asks for."),
    click.option("--multiples", type=(float, float), default=None, callback=_both_or_none,
                 metavar="WRITE READ",
                 help="Prices of cache writes and reads over plain input, like 1.25 0.1."),
    click.option("--head", type=click.IntRange(min=0), default=None, metavar="TOKENS",
                 help="System prompt and tools; as recorded, else 18000, if not said."),
    click.option("--min-bytes", type=click.IntRange(min=0), default=_LIMITS.min_bytes,
                 show_default=True, help="A result of this size or less stays."),
    click.option("--keep-thinking", is_flag=True,
                 help="Never give up thinking so that what stands before it can leave."),
    click.option("--memory-tools", is_flag=True,
                 help="Count what Pichay's own tools cost in front of every request, though the "
                 "recorded model never calls them."),
)  # fmt: skip


def world_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options that say what is taken for given."""
    for option in reversed(_OPTIONS):
        verb = option(verb)
    return verb


def world_of(
    model: str,
    ttl: str,
    multiples: tuple[float | None, float | None],
    head: int | None,
    min_bytes: int,
    keep_thinking: bool,
    memory_tools: bool,
    tools: bytes | None,
) -> Given:
    """Return what the options say."""
    write, read = multiples
    return replace(
        given_of(model),
        ttl=Ttl(ttl),
        head=head,
        read=read,
        write=write,
        min_bytes=min_bytes,
        keep_thinking=keep_thinking,
        memory_tools=memory_tools,
        tools=tools,
    )


def given_of(model: str) -> Given:
    """Return what is taken for granted where a model is all that was said."""
    try:
        return Given(model, prices=own_prices())
    except BadPrices as error:
        raise click.ClickException(str(error)) from error
