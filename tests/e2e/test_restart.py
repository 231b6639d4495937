"""Killed, reloaded or ended in mid-session: the next requests are what they would have been."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import pytest

from pichay_cli.launch import addon_path
from tests.e2e.answers import EVENTS, SSE, Answer
from tests.e2e.conftest import EAGER, Mitmdump, eventually
from tests.e2e.conversations import Conversation, is_stub, results

pytestmark = pytest.mark.e2e

HANDLE = re.compile(rb"Page [A-Z2-7]{8}\.")
FILES = ("a.py", "b.py", "c.py", "a.py", "d.py", "e.py", "b.py", "f.py")
MARKED = {"system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}]}


def bodies(upstream):
    """What arrived. Handles come from a secret of the session, so each becomes a number."""
    numbers = {}
    return [
        HANDLE.sub(lambda found: b"#%d" % numbers.setdefault(found[0], len(numbers)), seen.body)
        for seen in upstream.seen
    ]


def go_on(proxy, upstream, conversation, files):
    with proxy.client() as client:
        for file in files:
            client.post(upstream.messages, content=conversation.read(file).body())


def recorded(database, turns):
    def count():
        db = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
        try:
            return db.execute("select count(*) from turns").fetchone()[0] >= turns
        finally:
            db.close()

    assert eventually(count)


def test_after_a_kill_the_session_goes_on_as_if_nothing_had_happened(mitmdump, eager, upstream):
    name = "killed in mid-session"
    go_on(eager, upstream, Conversation(name, **MARKED), FILES)
    control, conversation = bodies(upstream), Conversation(name, **MARKED)
    upstream.seen.clear()
    with mitmdump("killed", **EAGER) as proxy:
        go_on(proxy, upstream, conversation, FILES[:5])
        recorded(proxy.database, 5)
        proxy.kill()
    before = upstream.last
    with mitmdump("killed", **EAGER) as proxy:
        with proxy.client() as client:
            client.post(upstream.messages, content=conversation.body())
        retry = upstream.seen.pop()
        journal = proxy.journal()
        go_on(proxy, upstream, conversation, FILES[5:])
        os.kill(proxy.pid, signal.SIGINT)
    turns = journal.turns(3)
    assert any(is_stub(text) for text in results(before.json).values())
    assert retry.body == before.body
    assert bodies(upstream) == control
    assert [(turn["request"], turn["status"]) for turn in turns] == [(7, 200), (8, 200), (9, 200)]
    assert len({turn["session"] for turn in turns}) == 1


@pytest.fixture
def by_hand(folder, certificate, tmp_path):
    """mitmdump started by hand, with a script that may be touched."""
    script = tmp_path / "script.py"
    script.write_text(addon_path().read_text())
    database, log = tmp_path / "reloaded.db", tmp_path / "log"
    settings = [
        f"confdir={folder / 'confdir'}",
        f"ssl_verify_upstream_trusted_ca={certificate.authority}",
        f"pichay_database={database}",
        "pichay_hosts=127.0.0.1",
        *(f"pichay_{name}={value}" for name, value in EAGER.items()),
    ]
    command = [
        sys.executable,
        "-P",
        "-u",
        "-m",
        "pichay_cli.mitmdump",
        "--listen-host",
        "127.0.0.1",
    ]
    return script, database, log, [*command, "-p", "0", "-s", str(script), *_set(settings)]


def _set(settings):
    return [part for setting in settings for part in ("--set", setting)]


def test_a_reload_of_the_script_loses_nothing(by_hand, bare, upstream):
    """mitmproxy loads a script anew when its file changes, while streams are under way."""
    script, database, log, command = by_hand
    ours, theirs = socket.socketpair()
    with log.open("wb") as output, ours, subprocess.Popen(
        command, stdin=theirs.fileno(), stdout=output, stderr=output
    ) as process, ExitStack() as stack:  # fmt: skip
        stack.callback(process.kill)
        theirs.close()
        ours.sendall(b"[]\n")
        proxy = Mitmdump(int(ours.recv(64)), bare.trusted, process.pid, database, log)
        conversation, hold, got = Conversation(), threading.Event(), []
        go_on(proxy, upstream, conversation, FILES[:3])
        held = Answer(headers=SSE, pieces=EVENTS, hold=hold)
        upstream.choose = lambda seen: held if b"held" in seen.body else Answer()
        streaming = threading.Thread(target=lambda: got.append(_stream(proxy, upstream)))
        streaming.start()
        assert eventually(lambda: len(upstream.seen) == 4)
        os.utime(script, (time.time() + 10, time.time() + 10))
        assert eventually(lambda: log.read_text().count("Loading script") == 2)
        hold.set()
        streaming.join()
        go_on(proxy, upstream, conversation, FILES[3:5])
        recorded(database, 6)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert got == [b"".join(EVENTS)]
    *_, after = (results(seen.json) for seen in upstream.seen if b"held" not in seen.body)
    assert [name for name, text in after.items() if is_stub(text)] == [
        f"toolu_000{number}" for number in (1, 2, 3)
    ]
    assert not any(word in log.read_text() for word in ("Traceback", "Over-riding"))


def _stream(proxy, upstream):
    with proxy.client() as client:
        body = Conversation("held").body(stream=True)
        return client.post(upstream.messages, content=body).content


def test_a_client_is_served_while_the_database_is_locked(eager, upstream):
    """Another process writes for long: requests do not wait for it, and nothing is lost."""
    journal, conversation = eager.journal(), Conversation()
    other = sqlite3.connect(eager.database, isolation_level=None)
    other.execute("begin immediate")
    began = time.monotonic()
    go_on(eager, upstream, conversation, FILES[:4])
    took = time.monotonic() - began
    other.execute("rollback")
    other.close()
    assert took < 8
    assert [turn["status"] for turn in journal.turns(4)] == [200] * 4
