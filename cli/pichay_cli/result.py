"""The line of result that ``pichay run`` ends with.

Rule of this file: it says what a user would be sorry not to have been told: a loss, a missing
price, that nothing was paged and why.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from pichay_cli.amounts import dollars, percent, plain, times, tokens
from pichay_core.store import figures
from pichay_core.store.activity import Activity, Tally, activity
from pichay_core.store.figures import Net
from pichay_core.store.schema import Unusable, open_for_reading
from pichay_core.store.scope import Scope

MORE = "`pichay stats` shows more."


def line(database: Path, since: float) -> str | None:
    """What was recorded since then (seconds since the epoch), in one line; None if nothing.

    Never raises: what cannot be read is said.
    """
    if not database.exists():
        return None
    try:
        db = open_for_reading(database)
        with closing(db.conn):
            scope = Scope(since=since)
            if not figures.recorded(db):
                return None
            return said(figures.net(db, scope), activity(db, scope))
    except Unusable as error:
        return str(error)
    except sqlite3.Error as error:
        return f"{database} cannot be read: {error}."


def said(net: Net, done: Activity) -> str | None:
    """The line of result; None if there is nothing to tell."""
    reasons = "; ".join(_reasons(done))
    if not net.requests:
        return plain(f"nothing was paged; {reasons}. {MORE}") if reasons else None
    told = [f"{times(net.requests, 'request')}, {_net(net)}", _moved(done), reasons]
    return plain(f"{'; '.join(part for part in told if part)}. {MORE}")


def _net(net: Net) -> str:
    if not net.settled:
        return "none of them billed yet"
    unknown = f"; the price of {', '.join(net.unpriced)} is not known" if net.unpriced else ""
    if not net.saved_tokens and not net.saved_dollars:
        return f"net the same as untouched (estimate){unknown}"
    told = _compared(
        net.saved_tokens, net.untouched.sent, f"{abs(net.saved_tokens):,} input tokens"
    )
    if net.priced:
        amount = dollars(abs(net.saved_dollars))
        told += f" and {_compared(net.saved_dollars, net.untouched_dollars, amount)}"
    return f"net {told} than untouched (estimate){unknown}"


def _compared(saved: float, untouched: float, amount: str) -> str:
    word = "MORE" if saved < 0 else "less"
    of = percent(-saved, untouched)
    return f"{amount} {word} ({of})" if of else f"{amount} {word}"


def _moved(done: Activity) -> str:
    faults = times(done.count("faulted"), "fault")
    collected = done.count("collected")
    and_collected = f", {collected:,} collected" if collected else ""
    if not (done.count("evicted") or collected or done.count("faulted")):
        return "nothing evicted"
    return f"{done.count('evicted'):,} evicted{and_collected}, {faults}"


def _reasons(done: Activity) -> Iterator[str]:
    """Why there was no paging, if there was none, and what went wrong."""
    if not (done.count("evicted") or done.count("collected")):
        yield from (
            f"held back up to {tokens(t.tokens)} tokens in {times(t.count, 'request')}: {t.why}"
            for t in done.held
        )
        yield from _counted("only observed", _of_outcome(done, "observed"))
        yield from _counted("passed through", done.reasons("passed"))
    yield from _counted("frozen", done.frozen)
    yield from _counted("failed inside Pichay", done.reasons("failed"))
    yield from _counted("refused the certificate (see pichay doctor)", done.refusals)


def _counted(what: str, tallies: Sequence[Tally]) -> Iterator[str]:
    if tallies:
        of = ", ".join(f"{tally.why} {tally.count:,}" for tally in tallies if tally.why)
        count = sum(tally.count for tally in tallies)
        yield f"{count:,} {what}: {of}" if of else f"{count:,} {what}"


def _of_outcome(done: Activity, wanted: str) -> list[Tally]:
    return [tally for outcome, tally in done.outcomes if outcome == wanted]
