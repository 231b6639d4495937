"""What doctor says of a recording: which trouble, of what, since when, and what to do."""

import json
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pichay_cli import disk, troubles
from pichay_cli.row import Row, Status
from pichay_core.events import Frozen, Warned
from pichay_core.hosts import UNDECRYPTED
from pichay_core.neighbours import TWO
from pichay_core.session import REFUSED
from pichay_core.store import troubles as stored
from pichay_core.store.recorder import WAITED, Recorder
from pichay_core.store.records import Happened, Refused
from pichay_core.store.schema import open_for_reading
from pichay_core.store.scope import Scope
from pichay_core.store.troubles import Trouble, Troubles
from tests.builders import KEY, START, RecordedProxy, Talk, body

NOW = START + 3_600
READ = Troubles(requests=3, events=1, last_request=NOW - 60)
WARN, FAIL, OK = Status.WARN, Status.FAIL, Status.OK


def found(path, since=None):
    db = open_for_reading(path)
    with closing(db.conn):
        return stored.troubles(db, Scope(since=since))


def recorded(path, *records):
    recorder = Recorder(path)
    for record in records:
        recorder.put(record)
    assert recorder.close()
    return found(path)


def rows(**of):
    """The rows beside the one on traffic."""
    return troubles.told(Troubles(requests=3, events=1, last_request=NOW - 60, **of), NOW)[1:]


def test_where_all_is_well_one_row_says_how_much_was_read():
    finding = "3 requests in the last 7 days, the last 1m ago"
    assert troubles.told(READ, NOW) == [Row(OK, "traffic", finding)]


def test_a_proxy_that_has_seen_nothing_of_a_model_says_so():
    assert troubles.told(Troubles(), NOW) == [
        Row(
            WARN,
            "traffic",
            "a proxy has run, but no request to a model came through it in the last 7 days",
            "Start the agent with `pichay run -- CMD`, or where the variables of `pichay proxy` "
            "are set. A model API of your own: --host NAME. Known ones: pichay doctor --hosts",
        )
    ]
    assert troubles.told(Troubles(events=2), NOW)[0].finding == (
        "no request was read in the last 7 days"
    )


def test_a_host_that_passes_undecrypted_fails_unless_it_does_so_by_design(tmp_path):
    said = [
        Warned(UNDECRYPTED, "api.openai.com: mitmproxy was told to pass it on (ignore_hosts)"),
        Warned(UNDECRYPTED, "chatgpt.com: a plan: not an API"),
    ]
    made = recorded(tmp_path / "db", *(Happened(one, NOW - n * 120) for n, one in enumerate(said)))
    assert troubles.told(made, NOW)[1:] == [
        Row(
            FAIL,
            "interception",
            "api.openai.com passed undecrypted (0s ago): mitmproxy was told to pass it on "
            "(ignore_hosts)",
            "Take it out of ignore_hosts and tcp_hosts, and put it into allow_hosts if that is "
            "set (config.yaml in mitmproxy's folder, --set), or stop the other script.",
        ),
        Row(
            WARN,
            "interception",
            "chatgpt.com passed undecrypted (2m ago): a plan: not an API",
            "That is so by design: nothing of it is paged. With an API key the agent talks to a "
            "host that is (pichay doctor --hosts).",
        ),
    ]


def test_a_client_that_refuses_the_certificate_is_told_its_own_variable(tmp_path):
    made = recorded(
        tmp_path / "db",
        Refused("api.anthropic.com", NOW - 600, "unknown ca", "curl"),
        Refused("api.anthropic.com", NOW - 300, "unknown ca", "curl"),
        Refused("api.anthropic.com", NOW - 30, ""),
    )
    some, curl = troubles.told(made, NOW)[1:]
    assert curl == Row(
        WARN,
        "CA",
        "curl refused the certificate for api.anthropic.com 2 times, 5m ago (unknown ca)",
        "Start it with `pichay run`, or set CURL_CA_BUNDLE as `pichay proxy` prints it. If it "
        "still refuses, it pins its certificates: use --reverse.",
    )
    assert some == Row(
        WARN,
        "CA",
        "a client refused the certificate for api.anthropic.com once, 30s ago",
        "Start it with `pichay run`, or set SSL_CERT_FILE, NODE_EXTRA_CA_CERTS and "
        "REQUESTS_CA_BUNDLE as `pichay proxy` prints them. A client that pins its certificates "
        "takes none: use --reverse.",
    )


def test_a_refusal_before_the_last_request_may_be_over():
    old = Trouble("api.openai.com", "", 1, NOW - 900, NOW - 900, "node")
    (row,) = rows(refusals=(old,))
    assert row.finding.endswith("once, 15m ago; requests were read since")
    assert "NODE_EXTRA_CA_CERTS" in row.advice


def test_two_that_edit_the_same_requests_are_named_once_for_all_sessions(tmp_path):
    warning = Warned(TWO, "headroom, known by its tool headroom_retrieve")
    made = recorded(tmp_path / "db", *(Happened(warning, NOW - 60 * n) for n in range(3)))
    assert troubles.told(made, NOW)[1:] == [
        Row(
            WARN,
            "two at once",
            "headroom, known by its tool headroom_retrieve, edits the same requests "
            "(3 sessions, 0s ago)",
            "Each undoes what the other saves. Stop the other one (unset its base URL or "
            "HTTPS_PROXY where the agent starts), or run Pichay with --mode observe.",
        )
    ]


@pytest.mark.parametrize(
    ("why", "advice"),
    [
        (
            f"{REFUSED}: messages.3: signature",
            "It goes on unpaged; a new conversation is paged again. If that one freezes too: "
            "--mode birth leaves the history alone, and please report what `pichay show s1` says.",
        ),
        (
            "3 failures",
            "It goes on unpaged; a new conversation is paged again. Please report what "
            "`pichay show s1` says went wrong.",
        ),
    ],
)
def test_a_frozen_session_is_told_with_its_reason_and_since_when(why, advice):
    frozen = Trouble("s1", why, 12, NOW - 7_200, NOW - 60)
    finding = f"session s1 is frozen (2h ago, 12 requests since): {why}"
    assert rows(frozen=(frozen,)) == [Row(WARN, "frozen session", finding, advice)]
    assert rows(frozen=(frozen,) * 5)[-1] == Row(
        WARN, "frozen session", "2 more", "`pichay sessions` lists them."
    )


def test_the_requests_of_a_frozen_session_are_those_since_it_froze(tmp_path):
    proxy = RecordedProxy(tmp_path / "db")
    talk = Talk()
    for number in range(3):
        proxy.send(body(talk.read(f"{number}.py")), KEY)
    (session,) = list(proxy.sessions)
    frozen = replace(session, frozen="3 failures")
    proxy.sessions.replace(frozen)
    proxy.put(Happened(Frozen("3 failures"), proxy.at + 1, frozen.id, frozen))
    for number in range(2):
        proxy.send(body(talk.read(f"later {number}.py")), KEY)
    path = proxy.path
    proxy.stop()
    (told,) = found(path).frozen
    assert (told.what, told.why, told.times) == (session.id, "3 failures", 2)


def test_a_recorder_that_had_to_wait_is_told(tmp_path):
    waited = Warned(WAITED, "x.db could not be written for 40 s")
    made = recorded(tmp_path / "db", Happened(waited, NOW - 3_000))
    assert troubles.told(made, NOW)[1:] == [
        Row(
            WARN,
            "recorder",
            "x.db could not be written for 40 s (50m ago); no decision was lost",
            "Make room on that disk, or look who locks the file.",
        )
    ]


def test_what_is_older_than_what_is_looked_at_is_not_told(tmp_path):
    recorded(tmp_path / "db", Refused("api.openai.com", 1_000.0, ""))
    assert found(tmp_path / "db", since=2_000.0) == Troubles()


@pytest.mark.parametrize(
    ("free", "status", "finding"),
    [
        (500 * 2**20, OK, "524 MB free for /home"),
        (150 * 2**20, WARN, "157 MB free for /home"),
        (5 * 2**20, FAIL, "5 MB free for /home"),
        (80 * 2**30, OK, "85.9 GB free for /home"),
    ],
)
def test_a_disk_that_fills_is_warned_of_and_a_full_one_fails(free, status, finding):
    row = disk.free_row(free, Path("/home"))
    assert (row.status, row.what, row.finding) == (status, "disk", finding)
    assert bool(row.advice) is (status is not OK)


def test_a_recording_or_a_log_that_has_grown_out_of_hand_says_what_to_do():
    path = Path("/home/pichay.db")
    assert disk.size_rows(path, disk.LARGE, disk.HUGE_LOG) == []
    assert disk.size_rows(path, 6 * 10**9, 300 * 2**20) == [
        Row(
            WARN,
            "recording",
            "/home/pichay.db holds 6.0 GB",
            "pichay prune --older-than 30d",
        ),
        Row(
            WARN,
            "recording",
            "/home/pichay.db-wal has grown to 315 MB: something reads without an end",
            "End what has the recording open (another viewer, a stopped `pichay stats --live`); "
            "the next `pichay run` to end cuts it back.",
        ),
    ]


def test_the_disk_of_a_recording_that_is_not_there_yet_is_looked_at(tmp_path):
    (row,) = disk.room(tmp_path / "not" / "yet" / "pichay.db")
    assert row.finding.endswith(f"free for {tmp_path}")


@pytest.mark.e2e
def test_doctor_tells_of_the_recording_in_words_and_as_json(pichay, confdir, tmp_path):
    recorded(tmp_path / "db", Refused("api.openai.com", time.time() - 5, "unknown ca", "curl"))
    done = pichay("doctor", "--json", "--confdir", confdir, "--database", tmp_path / "db")
    told = [row for row in json.loads(done.stdout) if row["what"] == "CA"][-1]
    assert told["status"] == "warn"
    assert told["finding"].startswith("curl refused the certificate for api.openai.com once, ")
