"""Events in words: what happened, to which page.

Rule of this file: one sentence per kind of event, in one table; an unknown kind is shown as
it was recorded.
"""

from collections.abc import Callable

from pichay_cli.amounts import times, tokens
from pichay_cli.render import BAD, GOOD, QUIET
from pichay_core.store.stories import EventStory

_STYLES = {
    "faulted": "yellow",
    "failed": BAD,
    "dropped": BAD,
    "frozen": BAD,
    "stopped": BAD,
    "tls_failed": BAD,
    "flushed": "cyan",
    "stripped": "cyan",
    "pinned": "magenta",
    "called": "yellow",
    "passed": QUIET,
    "asked": "magenta",
    "collapsed": "cyan",
    "advised": QUIET,
    "unsaid": "yellow",
    "thrashed": BAD,
    "eased": "magenta",
    "recovered": GOOD,
}
NAME_WIDTH = 10
"""Letters of the longest name: tls failed."""


def name_of(event: EventStory) -> tuple[str, str]:
    """One word or two with its style: the class of a fault, else the kind of event."""
    name = event.why if event.kind == "faulted" and event.why else event.kind
    return name.replace("_", " "), _STYLES.get(event.kind, "")


def story_of(event: EventStory) -> str:
    """What happened, without its name."""
    return _STORIES.get(event.kind, _other)(event)


def _evicted(event: EventStory) -> str:
    parts = (_tokens(event), event.why, f"page {event.detail.get('handle') or '?'}")
    return f"{event.page}  {', '.join(part for part in parts if part)}"


def _faulted(event: EventStory) -> str:
    return f"{event.page}  {_tokens(event)} back after {times(event.detail.get('away', 0), 'turn')}"


def _pinned(event: EventStory) -> str:
    strength = event.detail.get("strength", 1)
    return event.page or "" if strength <= 1 else f"{event.page}  strength {strength:g}"


def _unpinned(event: EventStory) -> str:
    return f"{event.page}  {event.why}"


def _repaired(event: EventStory) -> str:
    stale = ", changed by later calls" if event.detail.get("stale") else ""
    return f"{event.page}  its text put where the client sent a note{stale}"


def _referring(event: EventStory) -> str:
    return f"{event.page}  {_tokens(event)} not sent: {_REFERRING[event.kind]}"


_REFERRING = {
    "duplicated": "the same text stands above",
    "differed": "a diff against the result above stands for it",
    "trimmed": "its ends and the lines that matter stand for it",
}


def _expanded(event: EventStory) -> str:
    return f"{event.page}  {_tokens(event)} sent whole: the client took away what it referred to"


def _flushed(event: EventStory) -> str:
    pages = times(event.detail.get("pages", 0), "page")
    return f"{event.why}: {pages}, {_tokens(event)} off the window"


def _stripped(event: EventStory) -> str:
    blocks = times(event.detail.get("blocks", 0), "block")
    return f"{blocks} of thinking, {_tokens(event)}, given up with a flush"


def _returned(event: EventStory) -> str:
    pages = times(event.detail.get("pages", 0), "page")
    return f"{pages}, {_tokens(event)} back in place: the client returned into a tool loop"


def _stopped(event: EventStory) -> str:
    return f"no more pages leave from now on: {event.why}"


def _rewound(event: EventStory) -> str:
    at, gone = event.detail.get("at", 0), times(event.detail.get("gone", 0), "page")
    return f"history {event.why} from message {at} on, {gone} no longer sent"


def _frozen(event: EventStory) -> str:
    return f"only observed from now on: {event.why}"


def _dropped(event: EventStory) -> str:
    blocks = times(event.detail.get("blocks", 0), "block")
    innocent = "" if event.detail.get("edited") else "; nothing had been edited"
    return f"{blocks} of thinking from {event.detail.get('path')} on: {event.why}{innocent}"


def _missed(event: EventStory) -> str:
    amount = f", {_tokens(event)}" if event.tokens else ""
    return f"the provider's cache: {event.why}{amount}"


def _shortened(event: EventStory) -> str:
    definitions = times(event.detail.get("tools", 0), "tool definition")
    return f"{definitions} {event.why}, about {_tokens(event)} off every request"


def _called(event: EventStory) -> str:
    tool = event.detail.get("tool")
    return f"{tool}: its definition, {_tokens(event)}, had not been sent in full"


def _restored(event: EventStory) -> str:
    return f"{event.detail.get('tool')}: {event.why}, {_tokens(event)} in full again"


def _cleared(event: EventStory) -> str:
    results = times(event.detail.get("pages", 0), "tool result")
    return f"{results}, {_tokens(event)}, by the provider, {event.why}"


def _asked(event: EventStory) -> str:
    amount = f", {_tokens(event)}" if event.tokens else ""
    return f"{event.detail.get('tool')}: {event.why}{amount}"


def _released(event: EventStory) -> str:
    said = f': "{event.why}"' if event.why else ""
    return f"{event.page}  leaves with the next flush, says the model{said}"


def _collapsed(event: EventStory) -> str:
    first, last = event.detail.get("turns", (0, 0))
    pages = times(event.detail.get("pages", 0), "page")
    instead = f"a summary by the model stands for them, page {event.detail.get('handle') or '?'}"
    return f"turns {first} to {last}, {pages}, {_tokens(event)} off the window: {instead}"


def _advised(event: EventStory) -> str:
    return f"the model was told that its window is in the {event.why} zone, {_tokens(event)}"


def _unsaid(event: EventStory) -> str:
    at = event.detail.get("at", 0)
    return f"what the client had not been shown from message {at} on is not sent: {event.why}"


def _thrashed(event: EventStory) -> str:
    faults, pages = event.detail.get("faults", 0), times(event.detail.get("pages", 0), "page")
    back = f"{times(faults, 'refetch', 'refetches')} of {pages}, {_tokens(event)}"
    return f"{back}, since turn {event.detail.get('start', 0)}: pages leave that are in use"


def _eased(event: EventStory) -> str:
    pins, tau = times(event.detail.get("pins", 0), "page"), event.detail.get("tau", 0)
    held = f"flushes that cost anything wait until turn {event.detail.get('until', 0)}"
    return f"{held}, pages stay {times(tau, 'turn')} at least, {pins} pinned for longer"


def _recovered(event: EventStory) -> str:
    first, last = event.detail.get("start", 0), event.detail.get("last", 0)
    back = times(event.detail.get("faults", 0), "refetch", "refetches")
    bounced = times(event.detail.get("bounced", 0), "page")
    return f"turns {first} to {last} over: {back}, {_tokens(event)}, {bounced} twice or more"


def _refused(event: EventStory) -> str:
    return f"{event.detail.get('host')}: the client refused the certificate"


def _other(event: EventStory) -> str:
    parts = (event.page, event.why, event.detail.get("detail"))
    return ": ".join(str(part) for part in parts if part)


def _tokens(event: EventStory) -> str:
    return f"{tokens(event.tokens or 0)} tokens"


_STORIES: dict[str, Callable[[EventStory], str]] = {
    "evicted": _evicted,
    "collected": _evicted,
    "faulted": _faulted,
    "pinned": _pinned,
    "unpinned": _unpinned,
    "repaired": _repaired,
    "duplicated": _referring,
    "differed": _referring,
    "trimmed": _referring,
    "expanded": _expanded,
    "flushed": _flushed,
    "stripped": _stripped,
    "returned": _returned,
    "rewound": _rewound,
    "frozen": _frozen,
    "stopped": _stopped,
    "dropped": _dropped,
    "missed": _missed,
    "shortened": _shortened,
    "called": _called,
    "restored": _restored,
    "cleared": _cleared,
    "asked": _asked,
    "released": _released,
    "collapsed": _collapsed,
    "advised": _advised,
    "unsaid": _unsaid,
    "tls_failed": _refused,
    "thrashed": _thrashed,
    "eased": _eased,
    "recovered": _recovered,
}
