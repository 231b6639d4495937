"""OpenAI's prompt caches, simulated: breakpoints from GPT-5.6 on, the automatic cache before.

Rule of this file: the documented model (OpenAI, "Prompt caching" guide, as of September 2026), and
a named switch for each point on which the guide, the API reference and reports differ. From
GPT-5.6 on a prefix is found exactly at a breakpoint or not at all, and writing it has a price.

A unit is an input item or a content part. Routing between machines is not simulated: at most
about 15 requests a minute for one prefix reach the machine that holds it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from pichay_core.model import Usage
from pichay_core.prefix.automatic import AutomaticCache, AutomaticRules
from pichay_core.prefix.chain import Chain, Part
from pichay_core.prefix.entries import Entries, Habits, Write
from pichay_core.prefix.request import Billed, PrefixCache, Request

MINIMUM_PREFIX = 1024
"""Tokens. Documented from GPT-5.6 on; before, it varies with the request's settings."""


@dataclass(frozen=True, slots=True)
class BreakpointRules:
    """How the cache works from GPT-5.6 on. Sections named are those of the guide."""

    minimum: int = MINIMUM_PREFIX
    """Tokens ("Summary of model differences")."""
    seconds: float = 1800.0
    """How long a prefix is held after its last use; "at least 30 minutes" ("Cache lifetime")."""
    writes: int = 4
    """Breakpoints written by one request, the latest first; the provider's own counts."""
    first_marks: int = 2
    """Markers examined from the start of the request ("How prefix matching works")."""
    latest_marks: int = 50
    """Markers examined from its end; 80 breakpoints in all, says the API reference."""
    earlier_endings: int = 20
    """Ends of earlier messages examined. With 0, replacing the newest items loses everything
    behind the system prompt, as reported for Codex traffic (CLIProxyAPI #5727)."""
    finds_system_end: bool = True
    """The end of the first developer messages is examined ("How prefix matching works")."""
    writes_system_end: bool = False
    """An entry is written there as well. Not documented: another user message behind the same
    system prompt read nothing in one report (codex #35300), the system prompt in another
    (litellm #37628)."""
    habits: Habits = field(default_factory=Habits)


@dataclass(frozen=True, slots=True)
class BreakpointCache:
    """What OpenAI holds for one model from GPT-5.6 on."""

    rules: BreakpointRules = BreakpointRules()
    entries: Entries = field(default_factory=Entries)

    def bill(self, request: Request) -> Billed:
        """Return the bill for *request*; what it writes is counted as ``cache_write_5m``."""
        chain, rules = request.chain, self.rules
        hit = self.entries.longest(request, _long_enough(chain, _looked_up(request, rules), rules))
        written = _long_enough(chain, _written(request, rules), rules)
        writes = [Write(count, rules.seconds) for count in written]
        entries = self.entries.after(request, hit, writes, rules.habits)
        read = chain.prefix_tokens(hit)
        last = max((chain.prefix_tokens(count) for count in written), default=0)
        last = max(last, read)
        usage = Usage(chain.total - last, read, last - read)
        return Billed(usage, BreakpointCache(rules, entries))


def _looked_up(request: Request, rules: BreakpointRules) -> list[int]:
    """Return the counts of units at which a prefix is looked for, the longest first."""
    marks = [mark.unit + 1 for mark in request.marks]
    counts = {*marks[: rules.first_marks], *marks[max(0, len(marks) - rules.latest_marks) :]}
    if request.managed:
        counts.update(islice(_endings(request.chain), 1 + rules.earlier_endings))
        if rules.finds_system_end:
            counts.add(system_end(request.chain))
    return sorted(counts - {0}, reverse=True)


def _written(request: Request, rules: BreakpointRules) -> list[int]:
    """Return the counts of units that are written, the provider's own breakpoints first."""
    marks = [mark.unit + 1 for mark in reversed(request.marks)]
    if not request.managed:
        return marks[: rules.writes]
    own = list(islice(_endings(request.chain), 1))
    if rules.writes_system_end and system_end(request.chain):
        own.append(system_end(request.chain))
    return list(dict.fromkeys((*own, *marks)))[: rules.writes]


def _long_enough(chain: Chain, counts: Sequence[int], rules: BreakpointRules) -> list[int]:
    return [count for count in counts if chain.prefix_tokens(count) >= rules.minimum]


def _endings(chain: Chain) -> Iterator[int]:
    """Yield where messages end that may have a breakpoint, as counts of units, newest first.

    They are user messages, the last of neighbouring tool results, and the last of the first
    developer messages ("Implicit mode").
    """
    units, first = chain.units, system_end(chain)
    for unit in reversed(range(len(units))):
        match units[unit].part:
            case Part.USER if units[unit].ends:
                yield unit + 1
            case Part.RESULT if unit + 1 == len(units) or units[unit + 1].part is not Part.RESULT:
                yield unit + 1
            case Part.SYSTEM if unit + 1 == first:
                yield unit + 1
            case _:
                pass


def system_end(chain: Chain) -> int:
    """Return how many units stand up to the end of the first developer messages; 0 without any.

    Tool definitions stand before them.
    """
    end = 0
    for count, unit in enumerate(chain.units, 1):
        if unit.part is Part.SYSTEM:
            end = count
        elif unit.part is not Part.TOOL:
            break
    return end


_VERSION = re.compile(r"(?:^|[/.:])(?:chat)?gpt-(?P<major>\d)(?:\.(?P<minor>\d+))?(?![\d.])")
_OTHERS = re.compile(r"(?:^|[/.:])(?:codex-|chatgpt-|computer-use-|o\d)")
_FIRST_WITH_BREAKPOINTS = (5, 6)
_EXTENDED = re.compile(
    r"(?:^|/)gpt-(?:5\.5(?:-pro)?|5\.4|5\.2|5\.1(?:-codex(?:-max|-mini)?|-chat-latest)?|5(?:-codex)?|4\.1)"
    r"(?:-\d{4}-\d\d-\d\d)?$"
)
"""Models that keep a prefix for about half an hour unless the organisation retains no data, or
the request says ``in_memory`` ("Cache lifetime")."""
IN_MEMORY_SECONDS = 300.0
"""The careful end of "around 5 to 10 minutes of inactivity"."""
EXTENDED_SECONDS = 1800.0
"""What is typical; a prefix may be kept for up to 24 hours."""


def openai_cache(model: str) -> PrefixCache | None:
    """Return the empty cache of an OpenAI *model*; None if the name is not one of theirs."""
    name = model.lower()
    found = _VERSION.search(name)
    if found is None:
        return AutomaticCache(automatic_rules(name)) if _OTHERS.search(name) else None
    if (int(found["major"]), int(found["minor"] or 0)) >= _FIRST_WITH_BREAKPOINTS:
        return BreakpointCache()
    return AutomaticCache(automatic_rules(name))


def automatic_rules(model: str) -> AutomaticRules:
    """Return how the cache of a model before GPT-5.6 works, by its name.

    Breakpoints stand at regular intervals, documented for GPT-5.5 only (2,048 tokens); for the
    others the 128 tokens of the bill are taken. The hidden instructions are taken to be empty.
    """
    return AutomaticRules(
        minimum=MINIMUM_PREFIX,
        idle_seconds=EXTENDED_SECONDS if _EXTENDED.search(model) else IN_MEMORY_SECONDS,
        interval=2048 if "gpt-5.5" in model else 128,
        grid=128,
    )
