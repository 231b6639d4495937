"""The figures as exact text at fixed widths, the net figure first."""

import pytest

from pichay_cli.overview import overview
from pichay_core.store.scope import Scope
from tests.pichay_cli import builders
from tests.pichay_cli.builders import NOW, Recording
from tests.pichay_cli.screens import text


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pichay.db"


def drawn(made, width, scope=None):
    return text(overview(made.db, NOW, scope or Scope()), width)


SAVING = """\
Net against untouched (estimate) · all sessions

 $0.25 saved · 33 %    127.0k input tokens saved · 36 %

                 with  without  difference
money           $0.51    $0.76      -$0.25   -33 %
input tokens   225.0k   352.0k     -127.0k   -36 %
  fresh            45       45           0     0 %
  cache read   104.0k   260.0k     -156.0k   -60 %
  cache write  121.0k    92.0k      +29.0k   +32 %
output tokens    2.0k     2.1k        -100  -4.8 %

Paging
requests          5  as they came 3 · edited 2
evicted           2  21.0k tokens
collected         1  1.5k tokens · ephemeral 1
faults            1  refetch 1 · refresh 0 · widen 0 · recall 0 · 50 % of
                     evictions
pins              1  now · 1 set so far
repairs           0  "file unchanged" notes made good
flushes           1  batch 1
prefix breaks     1  less read than the cache held: 1 with a flush, 0 without
thrash         some  50 % of evictions refetched, 0 again (thrashing: 3
                     refetches or more, being 25 % of the evictions, or 10 % for
                     the same page again)

Sessions
session   kind      turns  window  net tokens  net money    seen
3f2a0000  main          4   55.0k     -127.0k     -$0.25  1m ago
77b10000  subagent      1    8.0k           0      $0.00  2h ago
"""


def test_a_saving_is_said_first_in_money_and_tokens(path):
    assert drawn(builders.paged(path), 80) == SAVING


def test_the_flushes_that_paid_back_are_counted(path):
    assert "\nflushes           1  batch 1 · 1 paid back\n" in drawn(builders.flushed(path), 80)


def test_what_the_provider_cleared_is_told_beside_the_evictions(path):
    made = builders.paged(path)
    (one, *_) = (row["id"] for row in made.db.query("select id from sessions order by id"))
    made.event(one, 3, "cleared", tokens=40_000, why="asked by us", pages=12)
    made.event(one, 4, "cleared", tokens=1_000, why="asked by the client", pages=1)
    said = "13  tool results by the provider, 41.0k tokens · asked by us 12 · asked by the client 1"
    assert f"\ncleared          {said}\n" in drawn(made, 110)
    assert "  14       1 " in drawn(made, 130)


MODEL = """
The model's side
asked      5  memory_fault 3 · memory_release 1 · tag anchor 1
not done   1  unknown page 1
recalled   2  pages, 6.0k tokens back
released   2  no more needed, says the model
pinned     1  to stay, says the model
collapsed  1  24 messages, 31.0k tokens off
advised    2  of a zone: advisory 1 · involuntary 1
unsaid     1  in replies that the client changed
legs       2  turns in the client's place: $0.05, 16 % of all, 105.0k tokens; in
              the net

Sessions
"""


def test_what_the_model_did_of_itself_is_told_with_what_it_cost(path):
    shown = drawn(builders.cooperating(path), 80)
    assert MODEL in shown
    assert "\nrequests          4  edited 4\n" in shown


def test_a_model_that_did_nothing_of_itself_is_not_mentioned(path):
    assert "The model's side" not in drawn(builders.paged(path), 80)


def test_a_leg_without_a_known_price_is_told_in_tokens(path):
    made = Recording(path)
    made.turn(made.session(), 1, (10, 0, 90, 5), leg=1)
    assert "\nlegs  1  turns in the client's place: 100 tokens; in the net\n" in drawn(made, 80)


NARROW = """\
Net against untouched (estimate) · all sessions

 $0.25 saved · 33 %    127.0k input tokens saved · 36 %

                 with  without  difference
money           $0.51    $0.76      -$0.25   -33 %
input tokens   225.0k   352.0k     -127.0k   -36 %
  fresh            45       45           0     0 %
  cache read   104.0k   260.0k     -156.0k   -60 %
  cache write  121.0k    92.0k      +29.0k   +32 %
output tokens    2.0k     2.1k        -100  -4.8 %

Paging
requests          5  as they came 3 · edited 2
evicted           2  21.0k tokens
collected         1  1.5k tokens · ephemeral 1
faults            1  refetch 1 · refresh 0 · widen 0 ·
                     recall 0 · 50 % of evictions
pins              1  now · 1 set so far
repairs           0  "file unchanged" notes made good
flushes           1  batch 1
prefix breaks     1  less read than the cache held: 1 with a
                     flush, 0 without
thrash         some  50 % of evictions refetched, 0 again
                     (thrashing: 3 refetches or more, being
                     25 % of the evictions, or 10 % for the
                     same page again)

Sessions
session   kind      window  net tokens  net money
3f2a0000  main       55.0k     -127.0k     -$0.25
77b10000  subagent    8.0k           0      $0.00
"""


def test_a_narrow_screen_loses_columns_and_no_digits(path):
    assert drawn(builders.paged(path), 60) == NARROW


LOSS = """\
Net against untouched (estimate) · all sessions

 $0.22 MORE · +1,100 %    31.0k input tokens MORE · +100 %

                with  without  difference
money          $0.24    $0.02      +$0.22  +1,100 %
input tokens   62.0k    31.0k      +31.0k    +100 %
  fresh           20       10         +10    +100 %
  cache read    2.0k    30.0k      -28.0k     -93 %
  cache write  60.0k     1.0k      +59.0k  +5,900 %
output tokens   1.0k      500        +500    +100 %

Paging
requests               2  edited 2
evicted                4  4.0k tokens
collected              0
faults                 4  refetch 4 · refresh 0 · widen 0 · recall 0 · 100 % of
                          evictions
pins                   0  now · 0 set so far
repairs                0  "file unchanged" notes made good
flushes                0
prefix breaks          0  less read than the cache held
thrash         thrashing  100 % of evictions refetched, 3 again (thrashing: 3
                          refetches or more, being 25 % of the evictions, or 10
                          % for the same page again)

Sessions
session   kind  turns  window  net tokens  net money    seen
aaaaaaaa  main      2   30.0k      +31.0k     +$0.22  1m ago
"""


def test_a_loss_is_shown_as_plainly_as_a_saving(path):
    assert drawn(builders.losing(path), 80) == LOSS


HELD = """\
Net against untouched (estimate) · all sessions

 no input tokens saved or lost

                with  without  difference
input tokens   40.9k    40.9k           0  0 %
  fresh           20       20           0  0 %
  cache read   20.0k    20.0k           0  0 %
  cache write  20.9k    20.9k           0  0 %
output tokens   1.0k     1.0k           0  0 %
The price of claude-next is not known: tokens only. prices.json may name it.
1 request without a bill: in flight, or refused.

Paging
requests          3  as they came 2 · only observed 1
evicted           0
collected         0
faults            0  refetch 0 · refresh 0 · widen 0 · recall 0
pins              0  now · 0 set so far
repairs           0  "file unchanged" notes made good
flushes           0
prefix breaks     0  less read than the cache held
thrash         none  0 % of evictions refetched, 0 again (thrashing: 3 refetches
                     or more, being 25 % of the evictions, or 10 % for the same
                     page again)

Not paged
held back    2  requests, up to 12.3k tokens each: thinking binds history
observed     1  only observed: subscription login; its moves were not made
passed       2  not JSON
passed       1  too big
failures     1  KeyError
frozen       1  only observed from then on: refused by the provider
dropped      1  thinking kept from the model: prefix_binding_mismatch
missed       1  cache not read, says the provider: tools_changed
warned       1  no slot for a marker
TLS refused  1  api.anthropic.com: set NODE_EXTRA_CA_CERTS (Node) or
                SSL_CERT_FILE (Python, Rust, Go) to mitmproxy's CA, as pichay
                run does; pichay doctor checks it

Sessions
session   kind  turns  window  net tokens  net money    seen
aaaaaaaa  main      2   20.9k           0             1m ago  frozen
"""


def test_an_unknown_price_leaves_tokens_and_what_was_not_paged_says_why(path):
    assert drawn(builders.held(path), 80) == HELD


def test_a_wide_screen_shows_paging_beside_the_net(path):
    first, *_ = drawn(builders.paged(path), 200).splitlines()
    assert first == "Net against untouched (estimate) · all sessions" + " " * 53 + "Paging"


def test_money_and_tokens_are_shown_as_bars_where_there_is_room(path):
    shown = drawn(builders.paged(path), 100)
    assert "money           $0.51    $0.76      -$0.25   -33 %  ████████████████░░░░░░░░\n" in shown


def test_a_lost_part_has_another_shade(path):
    shown = drawn(builders.losing(path), 100)
    assert (
        "input tokens   62.0k    31.0k      +31.0k    +100 %  ████████████▓▓▓▓▓▓▓▓▓▓▓▓\n" in shown
    )


def test_a_request_in_flight_is_no_saving(path):
    made = Recording(path)
    made.turn(made.session(), 1)
    shown = drawn(made, 80)
    assert "\n no reply has been billed yet\n" in shown
    assert "1 request without a bill: in flight, or refused." in shown


def test_where_some_prices_are_known_the_money_says_of_how_many_requests(path):
    made = builders.held(path)
    made.turn("a" * 32, 4, (10, 0, 100, 5), (10, 0, 200, 5), (0.5, 0.75))
    shown = drawn(made, 80)
    assert " $0.25 saved · 33 %" in shown
    assert "The price of claude-next is not known: money is of 1 of 3 requests." in shown


def test_what_is_looked_at_is_said(path):
    made = builders.paged(path)
    of_one = drawn(made, 80, Scope("3f2a" + "0" * 28, NOW - 3_600)).splitlines()[0]
    assert of_one == "Net against untouched (estimate) · session 3f2a0000, the last 1h"


def test_text_from_a_request_is_never_markup_and_never_steers_the_terminal(path):
    made = Recording(path)
    made.turn(made.session(model="[red]\x1b[31mx"), 1, (1, 2, 3, 4), model="[red]\x1b[31mx")
    assert "[red]?[31mx" in drawn(made, 130)


BORN = """\
Birth: sent smaller from the first time
definitions   62.0k  tokens not sent, 6.2k a request
repeats         500  tokens not sent: here already, or cut
protocol       1.3k  tokens more: what the model is told, 134 a request
misses            1  tools called whose definition was not sent in full
net          -$0.02  money, estimate
"""


def test_what_was_sent_smaller_from_the_first_time_is_told_with_its_net(path):
    assert BORN in drawn(builders.born(path), 80)


def test_where_nothing_was_sent_smaller_nothing_is_said_of_it(path):
    assert "from the first time" not in drawn(builders.losing(path), 80)
