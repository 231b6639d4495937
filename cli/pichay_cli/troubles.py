"""What the recording says went wrong, one function per fact, each with what to do.

Rule of this file: pure. A row names the host, the client or the session, how long ago it was, and
the one thing to try.
"""

from collections.abc import Iterator, Sequence

from pichay_cli.amounts import ago, plain, times
from pichay_cli.row import Row, fail, ok, warn
from pichay_core.hosts import left_alone
from pichay_core.session import REFUSED
from pichay_core.store.troubles import Trouble, Troubles

LOOKED_BACK = 7 * 86_400
"""Seconds of the recording that are looked at."""
MOST_SHOWN = 3
"""Rows of one kind: the latest."""

_CERTIFICATE_OF = {
    "curl": "CURL_CA_BUNDLE",
    "git": "GIT_SSL_CAINFO",
    "python-requests": "REQUESTS_CA_BUNDLE",
    "python-httpx": "SSL_CERT_FILE",
    "python-urllib3": "SSL_CERT_FILE",
    "node": "NODE_EXTRA_CA_CERTS",
    "undici": "NODE_EXTRA_CA_CERTS",
    "claude-cli": "NODE_EXTRA_CA_CERTS",
    "bun": "NODE_EXTRA_CA_CERTS",
    "codex_cli_rs": "CODEX_CA_CERTIFICATE",
}
"""Which variable names a CA to a program, by its user-agent."""


def told(found: Troubles, now: float) -> list[Row]:
    """Every row of what is recorded, most pressing first; *now* is in seconds since the epoch."""
    return [
        *_traffic(found, now),
        *_undecrypted(found.undecrypted, now),
        *_refusals(found.refusals, found.last_request, now),
        *_shared(found.shared, now),
        *_frozen(found.frozen, now),
        *_waited(found.waited, now),
    ]


def _traffic(found: Troubles, now: float) -> Iterator[Row]:
    """A proxy has run: has anything of a model come through it?"""
    if found.last_request is not None:
        last = f"the last {ago(now - found.last_request)} ago"
        yield ok("traffic", f"{times(found.requests, 'request')} in the last 7 days, {last}")
    elif not found.events:
        yield warn(
            "traffic",
            "a proxy has run, but no request to a model came through it in the last 7 days",
            "Start the agent with `pichay run -- CMD`, or where the variables of `pichay proxy` "
            "are set. A model API of your own: --host NAME. Known ones: pichay doctor --hosts",
        )
    else:
        yield warn(
            "traffic",
            "no request was read in the last 7 days",
            "What came instead stands below, and in `pichay stats`.",
        )


def _undecrypted(found: Sequence[Trouble], now: float) -> Iterator[Row]:
    for one in found[:MOST_SHOWN]:
        finding = f"{one.what} passed undecrypted ({_when(one, now)}): {plain(one.why)}"
        if left_alone(one.what):
            yield warn("interception", finding, _LEFT_ALONE)
        else:
            yield fail("interception", finding, _OTHERWISE)


_LEFT_ALONE = (
    "That is so by design: nothing of it is paged. With an API key the agent talks to a host that "
    "is (pichay doctor --hosts)."
)
_OTHERWISE = (
    "Take it out of ignore_hosts and tcp_hosts, and put it into allow_hosts if that is set "
    "(config.yaml in mitmproxy's folder, --set), or stop the other script."
)


def _refusals(found: Sequence[Trouble], last: float | None, now: float) -> Iterator[Row]:
    for one in found[:MOST_SHOWN]:
        who = plain(one.client) or "a client"
        count = "once" if one.times == 1 else f"{one.times} times"
        said = f" ({plain(one.why)})" if one.why else ""
        finding = f"{who} refused the certificate for {one.what} {count}, {_when(one, now)}{said}"
        if last is not None and last > one.last_at:
            finding += "; requests were read since"
        yield warn("CA", finding, _trust(one.client))


def _trust(client: str) -> str:
    variable = _CERTIFICATE_OF.get(client)
    if variable is None:
        return (
            "Start it with `pichay run`, or set SSL_CERT_FILE, NODE_EXTRA_CA_CERTS and "
            "REQUESTS_CA_BUNDLE as `pichay proxy` prints them. A client that pins its "
            "certificates takes none: use --reverse."
        )
    return (
        f"Start it with `pichay run`, or set {variable} as `pichay proxy` prints it. If it still "
        "refuses, it pins its certificates: use --reverse."
    )


def _shared(found: Sequence[Trouble], now: float) -> Iterator[Row]:
    for one in found[:MOST_SHOWN]:
        yield warn(
            "two at once",
            f"{plain(one.why)}, edits the same requests "
            f"({times(one.times, 'session')}, {_when(one, now)})",
            "Each undoes what the other saves. Stop the other one (unset its base URL or "
            "HTTPS_PROXY where the agent starts), or run Pichay with --mode observe.",
        )


def _frozen(found: Sequence[Trouble], now: float) -> Iterator[Row]:
    for one in found[:MOST_SHOWN]:
        since = f"{ago(now - one.first_at)} ago, {times(one.times, 'request')} since"
        finding = f"session {one.what} is frozen ({since}): {plain(one.why)}"
        yield warn("frozen session", finding, _thaw(one.why, one.what))
    if len(found) > MOST_SHOWN:
        more = f"{len(found) - MOST_SHOWN} more"
        yield warn("frozen session", more, "`pichay sessions` lists them.")


def _thaw(why: str, session: str) -> str:
    """A frozen session stays so: what the provider has cached is not changed again."""
    fresh = "It goes on unpaged; a new conversation is paged again."
    if why.startswith(REFUSED):
        return (
            f"{fresh} If that one freezes too: --mode birth leaves the history alone, and please "
            f"report what `pichay show {session}` says."
        )
    return f"{fresh} Please report what `pichay show {session}` says went wrong."


def _waited(found: Sequence[Trouble], now: float) -> Iterator[Row]:
    for one in found[:1]:
        yield warn(
            "recorder",
            f"{plain(one.why)} ({_when(one, now)}); no decision was lost",
            "Make room on that disk, or look who locks the file.",
        )


def _when(one: Trouble, now: float) -> str:
    return f"{ago(now - one.last_at)} ago"
