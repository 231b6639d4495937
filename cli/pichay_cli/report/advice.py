"""What to change, in words: what was found, and what to do about it.

Rule of this file: pure. Every sentence that gives advice stands beside the figure it is given for.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pichay_cli.amounts import dollars, plain, times, tokens
from pichay_cli.environment import HOW_TO_TRUST
from pichay_cli.panels import ID_SHOWN
from pichay_core.store.suggestions import Finding, Suggestion


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing worth changing."""

    amount: str
    """What it has cost, or was billed, or how often it was; the figure that comes first."""
    found: str
    """One sentence."""
    names: str
    """What it is about: pages, tools, models; empty if that is said already."""
    todo: str
    """One sentence or two."""


def advice(suggestion: Suggestion) -> Advice:
    """The words for a finding."""
    found, todo = _WORDS[suggestion.finding](suggestion)
    return Advice(_amount(suggestion), plain(found), plain(_names(suggestion)), todo)


def _amount(one: Suggestion) -> str:
    if one.dollars is not None:
        return dollars(one.dollars)
    return f"{tokens(one.tokens)} tokens" if one.tokens else times(one.count, *_UNITS[one.finding])


_UNITS = {
    Finding.OBSERVED: ("request",),
    Finding.THRASHED: ("episode",),
    Finding.CAME_BACK: ("refetch", "refetches"),
    Finding.SCHEDULE: ("flush", "flushes"),
    Finding.LOST: ("session",),
    Finding.FROZEN: ("session",),
    Finding.UNCALLED: ("tool",),
    Finding.UNPRICED: ("model",),
    Finding.REFUSED: ("refusal",),
    Finding.FAILED: ("failure",),
}


def _names(one: Suggestion) -> str:
    short = one.finding in (Finding.LOST, Finding.FROZEN)
    return ", ".join(name[:ID_SHOWN] if short else name for name in one.names)


type _Said = tuple[str, str]


_BILL = "The amount is their whole bill, not a loss."


def _observed(one: Suggestion) -> _Said:
    bill = "" if one.dollars is None and not one.tokens else f" {_BILL}"
    found = f"{times(one.count, 'request')} only observed: {one.why}.{bill}"
    if "subscription" in one.why:
        return found, (
            "Nothing is edited under a subscription login unless you say so: --allow-subscription "
            "does. The provider may refuse such requests or bill them apart."
        )
    return found, "pichay show tells of each session which requests went as they came, and why."


def _thrashed(one: Suggestion) -> _Said:
    found = f"{times(one.count, 'episode')} of thrash: pages left while they were still in use."
    return found, (
        "A longer --tau lets pages stay until they have been unused for longer. What comes back "
        "in every session is better pinned, or read in smaller ranges."
    )


def _came_back(one: Suggestion) -> _Said:
    found = f"{times(one.count, 'refetch', 'refetches')} of pages that had left and came back."
    return found, "A longer --tau keeps pages that are read again and again; see pichay show."


def _schedule(one: Suggestion) -> _Said:
    found = (
        f"{times(one.count, 'flush', 'flushes')} because of {one.why} have cost more than they "
        "have saved so far."
    )
    return found, _SCHEDULES.get(one.why, _OTHER_SCHEDULE)


_OTHER_SCHEDULE = "--schedule auto flushes when that pays; pichay compare shows what others cost."
_SCHEDULES = {
    "every-turn": "Every flush breaks the cached prefix: use --schedule auto, which waits until "
    "that pays.",
    "pressure": "These made room before the client would have summed up; a later task may still "
    "repay them. A greater --flush-tokens makes them rarer.",
}


def _lost(one: Suggestion) -> _Said:
    found = f"{times(one.count, 'session')} cost more with Pichay than without, it is estimated."
    return found, (
        "Short sessions may end before a flush, or the text that tells the model of paging, has "
        "repaid what it cost. pichay show says which; --mode observe leaves such work alone."
    )


def _frozen(one: Suggestion) -> _Said:
    found = f"{times(one.count, 'session')} frozen, only observed from then on: {one.why}."
    return found, "A new session begins afresh; pichay doctor says if something is in the way."


def _uncalled(one: Suggestion) -> _Said:
    found = f"{times(one.count, 'tool')} defined in every request and never called."
    return found, "Turn off the MCP servers or tools that they come from."


def _unpriced(one: Suggestion) -> _Said:
    whose = "its" if one.count == 1 else "their"
    found = (
        f"The price of {times(one.count, 'model')} is not known: {whose} requests are left out of "
        "the money."
    )
    return found, "Name the prices in prices.json, in dollars per million tokens."


def _refused(one: Suggestion) -> _Said:
    found = f"{times(one.count, 'connection')} refused: the client does not trust the certificate."
    return found, f"{HOW_TO_TRUST.replace('set', 'Set', 1)}."


def _failed(one: Suggestion) -> _Said:
    found = f"{times(one.count, 'failure')} inside Pichay, the requests went as they came: "
    return f"{found}{one.why or 'no reason recorded'}.", "This is a defect of Pichay: report it."


_WORDS: dict[Finding, Callable[[Suggestion], _Said]] = {
    Finding.OBSERVED: _observed,
    Finding.THRASHED: _thrashed,
    Finding.CAME_BACK: _came_back,
    Finding.SCHEDULE: _schedule,
    Finding.LOST: _lost,
    Finding.FROZEN: _frozen,
    Finding.UNCALLED: _uncalled,
    Finding.UNPRICED: _unpriced,
    Finding.REFUSED: _refused,
    Finding.FAILED: _failed,
}
