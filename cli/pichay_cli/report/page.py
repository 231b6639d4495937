"""The report as one page: it loads nothing, runs no script but its own, and prints.

Rule of this file: text goes into the page through the template, which escapes it; what is not
escaped is the charts, which ``drawn.py`` has checked, and our own style and script.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pichay_cli.amounts import dollars, plain, share, times, tokens
from pichay_cli.breaks import breaks
from pichay_cli.panels import FAULTS, outcomes
from pichay_cli.report.advice import advice
from pichay_cli.report.charts import cost_chart
from pichay_cli.report.closely import closely
from pichay_cli.report.drawn import both
from pichay_cli.report.tables import (
    NAMES,
    costs_tables,
    episodes_table,
    kinds_table,
    sessions_table,
    spent_table,
)
from pichay_cli.report.text import about
from pichay_core.store.activity import Activity
from pichay_core.store.figures import Net
from pichay_core.store.report import BIG, Report

_HERE = Path(__file__).parent


def page(found: Report, now: float) -> str:
    """The whole page, as it is at *now* (seconds since the epoch)."""
    style, script = _ours("page.css"), _ours("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _template("page.html.jinja").render(
        style=style,
        script=script,
        policy=_POLICY.format(digest=digest),
        **_head(found, now),
        net=_net(found.net),
        cost=_cost(found),
        advice=[advice(suggestion) for suggestion in found.suggestions],
        costs=costs_tables(found),
        left_out=_left_out(found),
        chosen=[closely(one, number) for number, one in enumerate(found.chosen)],
        episodes=episodes_table(found.episodes),
        sessions=sessions_table(found, now),
        counts=_counts(found.activity),
    )


_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
    "base-uri 'none'; form-action 'none'"
)
"""Nothing may be loaded, and no script may run but the one with this hash."""


def _ours(name: str) -> Markup:
    return Markup((_HERE / name).read_text("utf-8"))


def _template(name: str) -> Any:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def _head(found: Report, now: float) -> Mapping[str, Any]:
    times_seen = [spent.at for spent in found.course]
    period = " to ".join(dict.fromkeys(_day(at) for at in (times_seen[:1] + times_seen[-1:])))
    return {
        "about": about(found, now),
        "made": datetime.fromtimestamp(now).strftime("%Y-%m-%d %H:%M"),
        "period": period,
        "of": f"{times(len(found.sessions), 'session')}, {times(found.net.requests, 'request')}",
    }


def _day(at: float) -> str:
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d")


def _net(net: Net) -> Mapping[str, Any]:
    """The headline, and the bars below it."""
    money = net.priced > 0
    rows = [
        *([_bar("money", net.dollars, net.untouched_dollars, dollars)] if money else []),
        _bar("input tokens", net.actual.sent, net.untouched.sent, tokens),
    ]
    return {
        "settled": net.settled > 0,
        "verdicts": [
            *([_verdict(net.saved_dollars, net.untouched_dollars, dollars, "")] if money else []),
            _verdict(net.saved_tokens, net.untouched.sent, tokens, "input tokens"),
        ],
        "rows": rows,
        "kinds": kinds_table(net),
        "notes": _notes(net),
    }


def _verdict(saved: float, untouched: float, say: Callable[[float], str], unit: str) -> Any:
    word = "saved" if saved > 0 else "MORE than without" if saved < 0 else "no difference"
    return {
        "amount": say(abs(saved)),
        "unit": unit,
        "word": word,
        "share": share(abs(saved), untouched),
        "tone": "good" if saved > 0 else "bad" if saved < 0 else "",
    }


def _bar(name: str, actual: float, untouched: float, say: Callable[[float], str]) -> Any:
    most = max(actual, untouched) or 1
    return {
        "name": name,
        "with": say(actual),
        "without": say(untouched),
        "with_share": round(100 * actual / most, 1),
        "without_share": round(100 * untouched / most, 1),
        "tone": "good" if actual <= untouched else "bad",
    }


def _notes(net: Net) -> list[str]:
    waiting = net.requests + net.legs - net.settled
    of = f"money is of {net.priced:,} of {times(net.settled, 'billed request')}"
    unpriced = f"The price of {plain(', '.join(net.unpriced))} is not known: {of}."
    unbilled = f"{times(waiting, 'request')} without a bill: in flight, or refused."
    return [*([unpriced] if net.unpriced else []), *([unbilled] if waiting else [])]


def _cost(found: Report) -> Mapping[str, Any] | None:
    """The course of the cost, drawn and as a table."""
    if len(found.course) < 2:
        return None
    money, course = found.net.priced > 0, found.course
    last = course[-1]
    paid, untouched = (
        (dollars(last.dollars), dollars(last.untouched_dollars))
        if money
        else (tokens(last.tokens), tokens(last.untouched_tokens))
    )
    return {
        "chart": both(partial(cost_chart, course, money), "cost"),
        "said": f"Summed up over time: with Pichay {paid}, without {untouched} (estimate).",
        "money": money,
        "thinned": f"{len(course):,} of {last.requests:,} points are drawn, each of them exact."
        if found.thinned
        else "",
        "table": spent_table(course, money),
    }


def _left_out(found: Report) -> str:
    """Which tables are missing, and why; empty if none is."""
    names = " and ".join(NAMES[way].lower() for way in found.left_out)
    return f"Not divided {names}: the recording has over {BIG:,} pages." if names else ""


def _counts(done: Activity) -> list[tuple[str, str, str]]:
    """What paging did, counted: name, figure, what it is made of."""
    requests = sum(tally.count for _, tally in done.outcomes)
    classes = " · ".join(f"{kind} {done.count('faulted', kind):,}" for kind in FAULTS)
    flushes = " · ".join(f"{tally.why} {tally.count:,}" for tally in done.flushes)
    return [
        ("requests", f"{requests:,}", outcomes(done)),
        ("evicted", f"{done.count('evicted'):,}", f"{tokens(done.tokens('evicted'))} tokens"),
        ("collected", f"{done.count('collected'):,}", f"{tokens(done.tokens('collected'))} tokens"),
        ("faults", f"{done.count('faulted'):,}", classes),
        ("pins", f"{done.count('pinned'):,}", f"set so far, {done.pins_now:,} now"),
        ("flushes", f"{sum(tally.count for tally in done.flushes):,}", flushes),
        ("prefix breaks", f"{done.prefix_breaks:,}", breaks(done)),
        ("thrash", done.thrash().value, ""),
    ]
