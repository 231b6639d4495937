"""What the bill was spent on: an estimate whose parts always add up to the bill."""

from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.store import figures
from pichay_core.store.commands import command_name
from pichay_core.store.scope import EVERYTHING, Scope
from pichay_core.store.shares import MOST_SCALED, Billed, course
from pichay_core.store.top import BYS, top
from tests.pichay_cli.builders import NOW, Recording, cooperating, held, older, paged

EXACTLY = {"rel": 1e-9, "abs": 1e-9}
ONE = "3f2a" + "0" * 28


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pichay.db"


def agrees(db, by, scope=EVERYTHING):
    """Check that the parts by *by* are the bill in scope, and return them."""
    costs, bill = top(db, scope, by), figures.net(db, scope)
    paid = fsum(cost.dollars or 0.0 for cost in costs)
    assert paid == pytest.approx(bill.dollars, **EXACTLY)
    assert abs(sum(cost.sent for cost in costs) - bill.actual.sent) <= len(costs)
    assert all(cost.sent >= 0 and (cost.dollars or 0.0) >= -1e-9 for cost in costs)
    return costs


@pytest.mark.parametrize("by", BYS)
@pytest.mark.parametrize("build", [paged, cooperating, held])
def test_the_parts_are_the_bill(path, build, by):
    assert agrees(build(path).db, by)


@pytest.mark.parametrize("by", BYS)
def test_the_parts_of_one_session_since_a_time_are_its_bill_since_then(path, by):
    agrees(paged(path).db, by, Scope(ONE, NOW - 600 + 25))


def test_a_recording_of_an_earlier_version_is_divided_too(path):
    older(path)
    assert agrees(Recording(path).db, "tool")


sizes = st.floats(0, 1e5)


@st.composite
def bills(draw):
    """A session: its bills, the tokens of pages in each window, the new ones, its definitions."""
    found, pages, fresh, defined = [], [], [], []
    for request in range(draw(st.integers(1, 6))):
        sent = draw(st.integers(0, 200_000))
        read = draw(st.integers(0, sent))
        read_dollars, others, output = (draw(st.floats(0, 5)) for _ in range(3))
        read_dollars, others = read_dollars * (read > 0), others * (sent > read)
        unknown = draw(st.booleans())
        found.append(
            Billed(
                request, request, sent, read, 10, read_dollars + others + output, read_dollars,
                output, sent, draw(st.integers(0, 50_000)), draw(sizes),
                None if unknown else draw(sizes), draw(sizes), draw(sizes),
            )
        )  # fmt: skip
        pages.append(draw(sizes))
        fresh.append(draw(st.floats(0, 1)) * pages[-1])
        defined.append(draw(sizes))
    return found, pages, fresh, defined


@given(bills())
def test_whatever_a_session_was_billed_its_parts_are_the_bill_and_none_is_less_than_nought(drawn):
    found, pages, fresh, defined = drawn
    told = course(found, pages, fresh, defined)
    counted = [bill for bill in found if bill.sent]
    kept = [after - before for before, after in zip(told.kept, told.kept[1:], strict=False)]
    front = [after - before for before, after in zip(told.front, told.front[1:], strict=False)]
    paid = [
        *(old * size + first * new for old, first, size, new in zip(
            kept, told.first, pages, fresh, strict=True)),
        *(each * size for each, size in zip(front, defined, strict=True)),
        *(dollars for _, dollars, _, _ in told.rests),
    ]  # fmt: skip
    assert fsum(paid) == pytest.approx(fsum(bill.dollars for bill in counted), rel=1e-6, abs=1e-6)
    assert all(amount >= -1e-6 for amount in paid)


def test_estimates_are_not_made_much_larger_than_they_are():
    unseen = Billed(1, 1, sent=100_000, dollars=1.0, talk=10.0)
    told = course([unseen], [1_000.0], [1_000.0], [0.0])
    assert told.sent == [0.0, MOST_SCALED]


def stood(made, name, entry, leave, **changed):
    """A page of 1,000 tokens that stood in some requests."""
    made.page("a" * 32, name, f"{name}.py", request=entry, born=entry, moved=leave, **changed)


def lasting(path, requests=10):
    """A session that pays a dollar a request, all of it for input that was read."""
    made = Recording(path)
    one = made.session(turn=requests, requests=requests)
    for request in range(1, requests + 1):
        made.turn(
            one, request, (0, 100_000, 0, 0), dollars=(1.0, 1.0), read_dollars=1.0,
            output_dollars=0.0, front_tokens=10_000, talk_tokens=80_000,
        )  # fmt: skip
    return made


def test_what_stays_ten_times_as_long_costs_ten_times_as_much(path):
    made = lasting(path)
    stood(made, "long", 1, None)
    stood(made, "short", 1, 2)
    long, short, *_ = top(made.db, by="file")
    assert (long.requests, short.requests) == (10, 1)
    assert long.dollars == pytest.approx(10 * short.dollars, rel=0.02)


def test_what_is_new_is_paid_as_new(path):
    made = lasting(path, 1)
    made.turn(
        "a" * 32, 2, (0, 100_000, 1_000, 0), dollars=(2.0, 2.0), read_dollars=1.0,
        output_dollars=0.0, front_tokens=10_000, talk_tokens=89_000,
    )  # fmt: skip
    stood(made, "new", 2, None)
    stood(made, "old", 1, None)
    new, old, *_ = top(made.db, by="file")
    assert (new.what, new.dollars) == ("new.py", pytest.approx(1.0, rel=0.05))
    assert old.dollars == pytest.approx(0.02, rel=0.05)


def test_a_definition_is_paid_with_every_request_from_its_first_on(path):
    made = lasting(path)
    defined = {"session": "a" * 32, "bytes": 3_200, "sent_bytes": 3_200}
    made.db["definitions"].insert_all(
        [defined | {"tool": "Read", "request": 1}, defined | {"tool": "Late", "request": 6}]
    )
    read, late, *_ = top(made.db)
    assert (read.what, read.calls, read.requests) == ("Read", 0, 10)
    assert read.dollars == read.definition_dollars == pytest.approx(2 * late.dollars)


def test_what_leaving_has_saved_goes_by_what_left(path):
    made = lasting(path)
    stood(made, "a", 1, 3, tokens=3_000)
    stood(made, "b", 1, 3, tokens=1_000)
    made.flush("a" * 32, 3, saved_dollars=1.0, rewritten_dollars=0.2, faulted_dollars=0.0)
    a, b, *_ = top(made.db, by="file")
    assert (a.saved_dollars, b.saved_dollars) == (pytest.approx(0.6), pytest.approx(0.2))


def test_what_the_client_took_back_stands_no_longer_than_until_then(path):
    made = lasting(path)
    stood(made, "a", 1, None, state="gone", message=4)
    stood(made, "b", 1, None, state="gone", message=1)
    made.event("a" * 32, 5, "rewound", why="edited", at_=0)
    made.db.execute("update events set detail = '{\"at\": 3}'")
    found = {cost.what: cost.requests for cost in top(made.db, by="file") if not cost.rest}
    assert found == {"a.py": 4, "b.py": 10}


def test_a_fork_calls_nothing_again_that_it_took_over(path):
    made = lasting(path)
    stood(made, "a", 1, None)
    fork = made.session("b" * 32, kind="fork", parent="a" * 32, turn=6, requests=1)
    made.turn(fork, 6, (0, 100_000, 0, 0), dollars=(1.0, 1.0))
    made.page(fork, "a", "a.py", request=6, born=1)
    (cost, *_) = top(made.db, by="file")
    assert (cost.calls, cost.sessions, cost.requests) == (1, 2, 11)


def test_faults_are_of_the_page_that_was_out(path):
    found = {cost.what: cost.faults for cost in top(paged(path).db, by="file") if not cost.rest}
    assert found == {"src/app.py": 1, "src/io.py": 0}


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("git log -3", "git log"),
        ("cd /x && FOO=1 python3 -m pytest -q", "python3 -m pytest"),
        ("/usr/bin/cat a.py", "cat"),
        ('["bash", "-lc", "npm run build"]', "npm run"),
        ('["ls", "-la"]', "ls"),
        ("git -C x status", "git"),
        ("  ", ""),
        ("[broken", "[broken"),
    ],
)
def test_a_command_is_known_by_its_program_and_what_that_is_told_to_do(command, name):
    assert command_name(command) == name
