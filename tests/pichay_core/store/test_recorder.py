import os
import re
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from pichay_core.events import Failed, Passed
from pichay_core.model import SessionId
from pichay_core.store import recorder as module
from pichay_core.store.library import Library
from pichay_core.store.recorder import Recorder
from pichay_core.store.records import Happened, Refused
from tests.builders import START, RecordedProxy, Talk, body, rules, stubbed

ROOT = Path(__file__).parents[3]


def decision(number: int = 0) -> Happened:
    return Happened(Failed(f"number {number}"), START)


def telemetry(number: int = 0) -> Happened:
    return Happened(Passed(f"number {number}"), START, telemetry=True)


def whys(path: Path) -> list[str]:
    """Of what was put; not that it had to wait."""
    connection = sqlite3.connect(path)
    found = [row[0] for row in connection.execute("select why from events order by id")]
    connection.close()
    return [why for why in found if why != module.WAITED]


def contained(action):
    try:
        action()
    except Exception as error:  # noqa: BLE001 - stands for the boundary of the shell
        return error
    return None


def lock(path: Path) -> sqlite3.Connection:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    return other


@pytest.fixture
def impatient(monkeypatch):
    """Locks are noticed at once and tried again soon."""
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)

    def open_(path, **given):
        made = Recorder(path, **given)
        made._db.conn.execute("pragma busy_timeout = 20")
        return made

    return open_


def test_what_was_put_is_committed_soon(tmp_path):
    recorder = Recorder(tmp_path / "db")
    recorder.put(decision(1))
    time.sleep(0.5)
    assert whys(tmp_path / "db") == ["number 1"]
    assert recorder.close()


def test_no_decision_waits_until_the_books_are_open(tmp_path):
    opened = threading.Event()

    def slow(action):
        if getattr(action, "__name__", "") == "prepare":
            opened.wait(5)
        return contained(action)

    recorder = Recorder(tmp_path / "db", contain=slow)
    for number in range(2):
        recorder.put(decision(number))
        time.sleep(0.5)
    assert whys(tmp_path / "db") == ["number 0", "number 1"]
    assert not recorder.settle(0.1)
    opened.set()
    assert recorder.settle()
    assert recorder.close()


def test_settle_waits_until_all_is_committed(tmp_path):
    recorder = Recorder(tmp_path / "db")
    for number in range(200):
        recorder.put(decision(number))
        if number % 50 == 0:
            assert recorder.settle()
            assert len(whys(tmp_path / "db")) == number + 1
    assert recorder.close()


def test_close_writes_out_what_is_left(tmp_path):
    recorder = Recorder(tmp_path / "db")
    for number in range(3000):
        recorder.put(decision(number))
    assert recorder.close()
    assert whys(tmp_path / "db") == [f"number {n}" for n in range(3000)]


def test_put_waits_for_nothing(tmp_path, impatient, record_property):
    recorder = impatient(tmp_path / "db")
    other = lock(tmp_path / "db")
    took = []
    for number in range(2000):
        started = time.perf_counter()
        recorder.put(decision(number))
        took.append(time.perf_counter() - started)
    p99 = sorted(took)[int(len(took) * 0.99)]
    record_property("put p99 in microseconds", round(p99 * 1e6, 1))
    print(f"put p99: {p99 * 1e6:.1f} microseconds")
    other.execute("rollback")
    assert recorder.close()
    assert len(whys(tmp_path / "db")) == 2000


def test_a_locked_database_delays_decisions_and_loses_none(tmp_path, impatient):
    warnings = []
    recorder = impatient(tmp_path / "db", warn=warnings.append)
    other = lock(tmp_path / "db")
    for number in range(20):
        recorder.put(decision(number))
        time.sleep(0.01)
    assert not recorder.settle(0.2)
    assert whys(tmp_path / "db") == []
    other.execute("rollback")
    assert recorder.settle(5)
    assert whys(tmp_path / "db") == [f"number {n}" for n in range(20)]
    assert any("cannot be written" in text for text in warnings)
    assert recorder.close()


def test_what_waited_is_tried_once_more_at_the_end(tmp_path, monkeypatch, impatient):
    recorder = impatient(tmp_path / "db")
    monkeypatch.setattr(module, "RETRY_SECONDS", 60)
    other = lock(tmp_path / "db")
    recorder.put(decision(1))
    time.sleep(0.3)
    other.execute("rollback")
    assert recorder.close()
    assert whys(tmp_path / "db") == ["number 1"]


def test_close_says_if_something_could_not_be_written(tmp_path, impatient):
    recorder = impatient(tmp_path / "db")
    other = lock(tmp_path / "db")
    recorder.put(decision(1))
    assert recorder.close() is False
    other.execute("rollback")
    assert whys(tmp_path / "db") == []


def test_a_record_that_cannot_be_written_is_given_up_alone(tmp_path):
    warnings = []
    recorder = Recorder(tmp_path / "db", warnings.append, contained)
    wrong = Refused("host", object(), "detail")  # type: ignore[arg-type]
    for record in (decision(1), wrong, decision(2)):
        recorder.put(record)
    assert recorder.close()
    assert whys(tmp_path / "db") == ["number 1", "number 2"]
    assert [text for text in warnings if "could not be kept" in text]


def test_a_lock_in_the_middle_of_single_writes_writes_nothing_twice(tmp_path, impatient):
    recorder = impatient(tmp_path / "db", contain=contained)
    write, refusals = recorder._accounts.write, [sqlite3.OperationalError("locked")]

    def sometimes(record):
        if record.event.why == "number 9":
            raise ValueError
        write(record)
        if record.event.why == "number 2" and refusals:
            raise refusals.pop()

    recorder._accounts.write = sometimes  # type: ignore[method-assign]
    other = lock(tmp_path / "db")
    for number in (1, 9, 2, 3):
        recorder.put(decision(number))
    time.sleep(0.1)
    other.execute("rollback")
    assert recorder.settle()
    assert recorder.close()
    assert not refusals
    assert sorted(whys(tmp_path / "db")) == ["number 1", "number 2", "number 3"]


def test_telemetry_is_dropped_and_counted_when_the_writer_is_far_behind(
    tmp_path, monkeypatch, impatient
):
    monkeypatch.setattr(module, "TELEMETRY_BOUND", 10)
    recorder = impatient(tmp_path / "db")
    other = lock(tmp_path / "db")
    for number in range(30):
        recorder.put(decision(number))
    time.sleep(0.2)
    for number in range(5):
        recorder.put(telemetry(100 + number))
    assert recorder.dropped == 5
    other.execute("rollback")
    assert recorder.settle()
    recorder.put(telemetry(200))
    assert recorder.close()
    assert whys(tmp_path / "db") == [f"number {n}" for n in [*range(30), 200]]


def test_telemetry_is_kept_while_the_writer_keeps_up(tmp_path):
    recorder = Recorder(tmp_path / "db")
    recorder.put(telemetry(1))
    assert recorder.close()
    assert (recorder.dropped, whys(tmp_path / "db")) == (0, ["number 1"])


def test_a_reply_to_a_request_that_was_never_recorded_is_ignored(tmp_path):
    from pichay_core.ledger import TurnFacts
    from pichay_core.store.records import Settlement

    recorder = Recorder(tmp_path / "db")
    recorder.put(Settlement(SessionId("nobody"), 1, 200, TurnFacts(), None))
    recorder.put(decision(1))
    assert recorder.close()
    assert whys(tmp_path / "db") == ["number 1"]


def test_two_recorders_share_a_database(tmp_path):
    one, two = Recorder(tmp_path / "db"), Recorder(tmp_path / "db")
    for number in range(100):
        one.put(decision(number))
        two.put(decision(1000 + number))
    assert one.close() and two.close()
    assert len(whys(tmp_path / "db")) == 200


def test_two_processes_on_one_conversation_lose_no_decision(tmp_path):
    talk = Talk()
    one = RecordedProxy(tmp_path / "db", rules(flush_tokens=10**6))
    for number in range(6):
        one.send(talk.read(f"{number}.py"))
    one.settle()
    two = RecordedProxy(tmp_path / "db", rules(flush_tokens=1))
    other = two.send(talk.copy().read("two.py", id="two"))
    two.stop()
    one.send(talk.read("one.py", id="one"), after=5000)
    assert one.last.flushed == "cold"
    one.settle()
    three = one.restart()
    again = three.send(talk)
    assert stubbed(again)[: len(stubbed(other))] == stubbed(other)
    assert stubbed(again) == ["toolu_0001", "toolu_0002", "toolu_0003"]
    three.stop()


_CHILD = """
    import sys, time
    from pathlib import Path
    from tests.builders import RecordedProxy, Talk, rules
    proxy, talk = RecordedProxy(Path(sys.argv[1]), rules(flush_tokens=2500)), Talk()
    proxy.send(talk.read("0.py"))
    proxy.settle()
    for number in range(1, 12):
        proxy.send(talk.read(f"{number}.py"))
    print("put", flush=True)
    while True:
        proxy.send(talk)
        time.sleep(0.01)
"""


def test_a_killed_process_loses_no_decision_older_than_a_second(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_CHILD), str(tmp_path / "db")],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None and child.stdout.readline() == b"put\n"
    time.sleep(1.0)
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    talk = Talk()
    for number in range(12):
        talk.read(f"{number}.py")
    library = Library(tmp_path / "db")
    ((session,),) = library._db.conn.execute("select count(*) from sessions")
    ((pages,),) = library._db.conn.execute("select count(*) from pages where state = 'evicted'")
    library.close()
    assert (session, pages) == (1, 6)
    proxy = RecordedProxy(tmp_path / "db", rules(flush_tokens=2500))
    assert len(stubbed(proxy.send(body(talk)))) == 6
    assert proxy.session.requests > 13
    proxy.stop()


FULL = """
    import resource, signal, sys, time
    from pathlib import Path
    from pichay_core.events import Failed
    from pichay_core.store import recorder as module
    from pichay_core.store.recorder import Recorder
    from pichay_core.store.records import Happened

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    module.RETRY_SECONDS = 0.05
    path, told = Path(sys.argv[1]), []
    recorder = Recorder(path, told.append)
    recorder.put(Happened(Failed("before"), 0.0))
    assert recorder.settle()
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 200_000, most))
    for number in range(500):
        started = time.perf_counter()
        recorder.put(Happened(Failed(f"number {number} {'x' * 2000}"), 1.0))
        assert time.perf_counter() - started < 1
    assert not recorder.settle(0.5)
    assert recorder.refused and recorder.waiting
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert recorder.settle(10)
    assert not recorder.refused
    assert recorder.close()
    print(*told, sep="\\n")
"""


def test_a_full_disk_delays_decisions_and_loses_none(tmp_path):
    """No file may grow beyond a bound: what a full disk is, to a process."""
    path = tmp_path / "db"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL), str(path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    stopped, went_on = done.stdout.splitlines()
    assert re.search(r"cannot be written \(.*\)\. Requests go on; what is decided waits", stopped)
    assert went_on.endswith("no decision was lost")
    assert [why.split(" x")[0] for why in whys(path)] == [
        "before",
        *(f"number {number}" for number in range(500)),
    ]
    connection = sqlite3.connect(path)
    assert connection.execute("select count(*) from events where why = 'records waited'").fetchone()
    connection.close()


def test_who_looks_on_is_told_of_what_is_written_and_harms_nobody(tmp_path):
    seen: list[object] = []

    def broken(record: object, row: object) -> None:
        seen.append((record, row))
        raise RuntimeError("an observer's own trouble")

    recorder = Recorder(tmp_path / "db", contain=contained, observers=(broken,))
    for number in range(3):
        recorder.put(decision(number))
    assert recorder.close()
    assert whys(tmp_path / "db") == ["number 0", "number 1", "number 2"]
    assert seen == [(decision(number), None) for number in range(3)]
