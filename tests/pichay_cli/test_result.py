import pytest

from pichay_cli.result import line
from tests.pichay_cli.builders import NOW, Recording, held, losing, paged


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pichay.db"


def test_a_saving_is_one_line(path):
    paged(path)
    assert line(path, 0) == (
        "5 requests, net 127,000 input tokens less (-36 %) and $0.25 less (-33 %) than untouched "
        "(estimate); 2 evicted, 1 collected, 1 fault. `pichay stats` shows more."
    )


def test_a_loss_is_said_as_a_loss(path):
    losing(path)
    assert line(path, 0) == (
        "2 requests, net 31,010 input tokens MORE (+100 %) and $0.22 MORE (+1,100 %) than "
        "untouched (estimate); 4 evicted, 4 faults. `pichay stats` shows more."
    )


def test_fewer_tokens_for_more_money_is_said_so(path):
    made = Recording(path)
    made.turn(made.session(), 1, (0, 0, 50, 1), (0, 100, 0, 1), (0.2, 0.1))
    assert line(path, 0) == (
        "1 request, net 50 input tokens less (-50 %) and $0.10 MORE (+100 %) than untouched "
        "(estimate); nothing evicted. `pichay stats` shows more."
    )


def test_when_nothing_was_paged_it_says_why(path):
    held(path)
    assert line(path, 0) == (
        "3 requests, net the same as untouched (estimate); the price of claude-next is not known; "
        "nothing evicted; held back up to 12.3k tokens in 2 requests: thinking binds history; "
        "1 only observed: subscription login 1; 3 passed through: not JSON 2, too big 1; "
        "1 frozen: refused by the provider 1; 1 failed inside Pichay: KeyError 1; "
        "1 refused the certificate (see pichay doctor): api.anthropic.com 1. "
        "`pichay stats` shows more."
    )


def test_traffic_that_was_only_let_through_is_told(path):
    made = Recording(path)
    made.event(None, None, "tls_failed", host="api.anthropic.com")
    assert line(path, 0) == (
        "nothing was paged; 1 refused the certificate (see pichay doctor): api.anthropic.com 1. "
        "`pichay stats` shows more."
    )


def test_requests_that_are_still_in_flight_have_no_net(path):
    made = Recording(path)
    made.turn(made.session(), 1)
    assert line(path, 0) == (
        "1 request, none of them billed yet; nothing evicted. `pichay stats` shows more."
    )


def test_what_was_before_does_not_count(path):
    paged(path)
    assert line(path, NOW + 1) is None


def test_without_a_recording_there_is_nothing_to_say(path):
    assert line(path, 0) is None
    Recording(path)
    assert line(path, 0) is None


def test_a_recording_that_cannot_be_read_is_said_and_breaks_nothing(path):
    path.write_text("no database" * 100)
    assert "is not a database Pichay can read" in (line(path, 0) or "")


def test_a_host_cannot_steer_the_terminal(path):
    made = Recording(path)
    made.event(None, None, "tls_failed", host="a\x1b[2Jb")
    assert "a?[2Jb" in (line(path, 0) or "")
