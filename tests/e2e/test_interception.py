"""What is said where a model's traffic is not read, a certificate is refused, or two page."""

import re
import subprocess
import time
from contextlib import closing
from shutil import which

import pytest

from pichay_cli import troubles
from pichay_cli.certificates import authority
from pichay_core.store import troubles as stored
from pichay_core.store.schema import open_for_reading
from tests.e2e.answers import WHOLE
from tests.e2e.conftest import EAGER, eventually
from tests.e2e.conversations import Conversation

pytestmark = pytest.mark.e2e


def told(proxy):
    """What doctor says of the recording: status, what, finding."""
    db = open_for_reading(proxy.database)
    with closing(db.conn):
        rows = troubles.told(stored.troubles(db), time.time())
    return [(row.status.value, row.what, _undated(row.finding)) for row in rows]


def _undated(finding):
    return re.sub(r"\b\d+s ago", "just now", finding)


def said(proxy):
    return [line for line in proxy.log.read_text().splitlines() if "] pichay: " in line]


def test_a_listed_host_that_is_ignored_passes_unharmed_and_that_is_said(mitmdump, upstream):
    past = {"settings": ("ignore_hosts=127.0.0.1",)}
    with mitmdump("ignoring", **past) as proxy, proxy.client(verify=False) as client:
        for _ in range(2):
            answer = client.post(upstream.messages, content=Conversation().body())
            assert answer.content == WHOLE
    assert told(proxy) == [
        ("warn", "traffic", "no request was read in the last 7 days"),
        (
            "fail",
            "interception",
            "127.0.0.1 passed undecrypted (just now): mitmproxy was told to pass it on "
            "(ignore_hosts, allow_hosts, tcp_hosts)",
        ),
    ]
    assert len(said(proxy)) == 1
    assert "127.0.0.1 passes undecrypted, and nothing of it is paged" in said(proxy)[0]


@pytest.mark.skipif(which("curl") is None, reason="needs curl")
def test_a_client_that_refuses_the_certificate_is_named(mitmdump, upstream):
    with mitmdump("refused") as proxy:
        through = ["curl", "-s", "--proxy", f"http://127.0.0.1:{proxy.port}", "--noproxy", ""]
        refusing = subprocess.run([*through, upstream.messages], capture_output=True, timeout=30)
        assert refusing.returncode == 60
        proxy.journal().events("tls_failed")
    assert said(proxy)[0].endswith("to mitmproxy's CA (pichay doctor)")
    (_, (status, what, finding)) = told(proxy)
    assert (status, what) == ("warn", "CA")
    assert finding.startswith("curl refused the certificate for 127.0.0.1 once, ")


def test_a_pichay_behind_another_says_so_once_a_session(mitmdump, upstream, folder):
    authority(folder / "other")
    with mitmdump("behind", memory_tools=False, confdir=folder / "other") as behind:
        trusted = str(folder / "other" / "mitmproxy-ca-cert.pem")
        way = {"HTTPS_PROXY": f"http://127.0.0.1:{behind.port}", "SSL_CERT_FILE": trusted}
        eager = EAGER | {"environment": way, "memory_tools": False}
        with (
            mitmdump("in front", **eager) as front,
            front.client() as client,
        ):
            conversation = Conversation()
            for number in range(6):
                body = conversation.read(f"{number}.py").body()
                answer = client.post(upstream.messages, content=body)
                assert (answer.status_code, answer.text) == (200, WHOLE.decode())
        journal = eventually(lambda: behind.count("select count(*) from turns") == 6)
    assert journal
    assert b"[Older result of Read" in upstream.last.body
    assert behind.count("select count(*) from events where why = 'edited by two'") == 1
    finding = "another Pichay, known by its note where a result was, edits the same requests "
    assert ("warn", "two at once", f"{finding}(1 session, just now)") in told(behind)
    assert [row for row in told(front) if row[1] == "two at once"] == []
    assert len(said(behind)) == 1
