import asyncio
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http
from mitmproxy.proxy.layers.http._events import ErrorCode, ResponseProtocolError
from mitmproxy.test import tflow, tutils

from pichay_proxy import continued, streams, streams_check
from pichay_proxy.continued import deciding, hand_over, without_length
from tests.pichay_proxy.wires import END, HEAD, Wires, unchunked

JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
LAST = {"finish", "refused", "failed", "gone"}


class Scripted:
    """Goes on for as many legs as it is told, and writes down what it is asked."""

    idle_seconds = 60.0

    def __init__(self, flow, legs=1):
        self.flow, self.legs, self.calls, self.replies = flow, legs, [], []

    def feed(self, data):
        return [data.replace(b"held", b"")]

    async def ended(self):
        self.calls.append("ended")
        if not self.legs:
            return None
        self.legs -= 1
        request = self.flow.request.copy()
        request.content = b"next %d" % self.legs
        return request

    def began(self, reply):
        self.replies.append(reply)
        return True

    def waiting(self):
        return b": ping\n\n"

    def finish(self):
        self.calls.append("finish")
        return [b"", b"the end"]

    def refused(self, reply):
        self.calls.append("refused")
        self.replies.append(reply)
        return [b"refused"]

    def failed(self, why):
        self.calls.append("failed")
        return [b"failed"]

    def gone(self, why):
        self.calls.append("gone")

    @property
    def last(self):
        return [call for call in self.calls if call in LAST]


class Addon:
    """Hands every flow over to what *make* makes of it."""

    def __init__(self, make=Scripted):
        self._make = make
        self.made = []
        self.flows = []

    def responseheaders(self, flow):
        self.flows.append(flow)
        self.made.append(self._make(flow))
        hand_over(flow, self.made[-1])

    @property
    def one(self):
        (made,) = self.made
        return made


@pytest.fixture(autouse=True)
def installed():
    streams_check.install()
    yield
    streams_check.uninstall()


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(streams, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def in_leg_one(make=Scripted, **more):
    addon = Addon(make)
    wires = Wires(addon, **more)
    wires.request()
    wires.reply(b"one ")
    return wires, addon


def nothing_left(wires, addon):
    return not wires.legs() and not any(deciding(flow) for flow in addon.flows)


# -- going on ---------------------------------------------------------------------------


def test_the_replies_of_all_legs_make_one_response_and_it_ends_once():
    wires, addon = in_leg_one(lambda flow: Scripted(flow, legs=2))
    wires.reply(b"two ")
    wires.reply(b"three ")
    assert wires.body() == (b"one two three the end", True)
    assert addon.one.calls == ["ended", "ended", "ended", "finish"]
    assert wires.called.count("response") == wires.called.count("responseheaders") == 1
    assert nothing_left(wires, addon)


def test_a_leg_goes_over_the_connection_of_the_one_before():
    wires, addon = in_leg_one()
    first, _, second = wires.to_server().partition(b"first")
    assert second == first.replace(b"length: 5", b"length: 6") + b"next 0"
    wires.reply(b"two")
    assert len(wires.servers) == 1
    assert len(addon.one.replies) == 1


def test_a_connection_that_the_server_closes_after_a_reply_is_replaced():
    addon = Addon()
    wires = Wires(addon)
    wires.request()
    wires.reply(b"one ", head=HEAD.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
    assert len(wires.servers) == 2
    wires.reply(b"two ")
    assert wires.body() == (b"one two the end", True)


def test_the_next_request_of_the_client_finds_everything_as_it_was():
    wires, addon = in_leg_one()
    wires.reply(b"two ")
    wires.to_client()
    wires.request()
    wires.reply(b"again ")
    wires.reply(b"and again ")
    assert wires.body() == (b"again and again the end", True)
    assert len(wires.servers) == 1
    assert nothing_left(wires, addon)


def test_a_reply_that_nothing_follows_ends_with_what_was_held():
    addon = Addon(lambda flow: Scripted(flow, legs=0))
    wires = Wires(addon)
    wires.request()
    wires.reply(b"one held", b"held")
    assert wires.body() == (b"one the end", True)
    assert wires.alarms == []


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("piece", [[b"one"], [b"one", b"two"]])
def test_a_flow_that_was_not_handed_over_is_as_without_us(ours, piece):
    def streamed(flow):
        flow.response.stream = lambda data: data + b"!" if data else b"end"

    if not ours:
        streams_check.uninstall()
    wires = Wires(SimpleNamespace(responseheaders=streamed))
    wires.request()
    wires.reply(*piece)
    assert wires.body() == (b"".join(one + b"!" for one in piece) + b"end", True)
    assert wires.called == ["requestheaders", "request", "responseheaders", "response"]


def test_an_unstreamed_reply_goes_on_too_and_says_nothing_before_its_end():
    class Whole(Scripted):
        def feed(self, data):
            self.got = getattr(self, "got", b"") + data
            return []

        def finish(self):
            return [self.got]

        def waiting(self):
            return b""

    addon = Addon(Whole)
    wires = Wires(addon)
    wires.request()
    wires.says(JSON_HEAD % (2, b"{}"))
    wires.wake()
    assert wires.to_client().partition(b"\r\n\r\n")[2] == b""
    wires.says(JSON_HEAD % (2, b"[]"))
    assert unchunked(wires.to_client()) == [b"{}[]", b""]


# -- length -----------------------------------------------------------------------------


def test_on_http1_a_response_without_a_length_is_chunked():
    addon = Addon()
    wires = Wires(addon)
    wires.request()
    wires.says(JSON_HEAD % (4, b"one "))
    wires.says(JSON_HEAD % (4, b"two "))
    head, _, rest = wires.to_client().partition(b"\r\n\r\n")
    assert b"content-length" not in head and b"transfer-encoding: chunked" in head
    assert b"".join(unchunked(rest)) == b"one two the end"


def test_a_client_of_http_1_0_reads_to_the_end_of_the_connection():
    wires = Wires(Addon())
    wires.request(version=b"HTTP/1.0")
    wires.says(JSON_HEAD % (4, b"one "))
    wires.says(JSON_HEAD % (4, b"two "))
    head, _, rest = wires.to_client().partition(b"\r\n\r\n")
    assert b"content-length" not in head and b"chunked" not in head
    assert rest == b"one two the end"
    assert not wires.client.connected


@pytest.mark.parametrize(
    ("client", "server", "chunked"),
    [
        (b"HTTP/1.1", b"HTTP/1.1", True), (b"HTTP/1.1", b"HTTP/2.0", True),
        (b"HTTP/2.0", b"HTTP/1.1", False), (b"HTTP/2.0", b"HTTP/2.0", False),
        (b"HTTP/3", b"HTTP/2.0", False), (b"HTTP/1.1", b"HTTP/1.0", False),
    ],
)  # fmt: skip
def test_chunks_are_for_clients_that_know_them(client, server, chunked):
    headers = http.Headers(content_length="7")
    flow = tflow.tflow(
        req=tutils.treq(http_version=client),
        resp=tutils.tresp(http_version=server, headers=headers),
    )
    without_length(flow)
    assert "content-length" not in flow.response.headers
    assert ("transfer-encoding" in flow.response.headers) == chunked


# -- legs that fail ---------------------------------------------------------------------

REFUSALS = [
    b"HTTP/1.1 529 Overloaded\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
    b"HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_leg_that_is_refused_ends_the_response_and_not_the_connection(refusal):
    wires, addon = in_leg_one()
    wires.says(refusal)
    assert addon.one.last == ["refused"]
    assert addon.one.replies[-1].content == b"{}"
    assert wires.body() == (b"one refused", True)
    assert len(wires.open()) == 1
    assert nothing_left(wires, addon)


def test_a_leg_that_was_not_wanted_after_all_is_a_refusal():
    class Picky(Scripted):
        def began(self, reply):
            return False

    wires, addon = in_leg_one(Picky)
    wires.reply(b"no")
    assert addon.one.replies[-1].content == b"no"
    assert wires.body() == (b"one refused", True)


def test_of_an_endless_refusal_no_more_is_read_than_is_of_use():
    wires, addon = in_leg_one()
    wires.says(b"HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(5):
        wires.chunks(bytes(30_000))
    assert wires.body() == (b"one refused", True)
    assert wires.open() == []
    assert nothing_left(wires, addon)


@pytest.mark.parametrize("said", [b"", HEAD, HEAD + b"4\r\ntwo \r\n", HEAD + b"40\r\ntwo "])
def test_a_leg_that_breaks_off_ends_the_response_and_the_client_may_go_on(said):
    wires, addon = in_leg_one()
    wires.says(said)
    wires.server_leaves()
    assert addon.one.last == ["failed"]
    body, ended = wires.body()
    assert body in (b"one failed", b"one two failed") and ended
    assert nothing_left(wires, addon)
    wires.request()
    wires.reply(b"again ")
    wires.reply(b"")
    assert wires.body() == (b"again the end", True)


def test_a_leg_that_is_no_http_ends_the_response():
    wires, addon = in_leg_one()
    wires.says(b"SSH-2.0-x\r\n\r\n")
    assert (addon.one.last, wires.body()) == (["failed"], (b"one failed", True))


def test_a_leg_that_cannot_be_connected_ends_the_response():
    addon = Addon()
    wires = Wires(addon, held=[END])
    wires.request()
    wires.reply(b"one ")
    wires.server_leaves()
    wires.refusing = "nobody there"
    wires.go_on()
    assert (addon.one.last, wires.body()) == (["failed"], (b"one failed", True))
    assert nothing_left(wires, addon)


def test_a_connection_that_breaks_between_two_legs_is_replaced():
    addon = Addon()
    wires = Wires(addon, held=[END])
    wires.request()
    wires.reply(b"one ")
    wires.server_leaves()
    wires.held.clear()
    wires.go_on()
    wires.reply(b"two ")
    assert wires.body() == (b"one two the end", True)
    assert len(wires.servers) == 2


@pytest.mark.parametrize("said", [b"", HEAD, HEAD + b"4\r\ntwo \r\n"])
def test_a_leg_that_is_silent_for_too_long_is_given_up(clock, said):
    wires, addon = in_leg_one()
    wires.says(said)
    clock.now = 59.0
    wires.wake()
    assert addon.one.last == []
    clock.now = 60.0
    wires.wake()
    assert addon.one.last == ["failed"]
    assert wires.body()[1]
    assert wires.open() == []
    assert nothing_left(wires, addon)


def test_every_byte_of_a_leg_gives_it_its_time_anew(clock):
    wires, addon = in_leg_one()
    wires.says(HEAD)
    for _ in range(10):
        clock.now += 50.0
        wires.chunks(b"x")
        wires.wake()
    assert addon.one.last == []


def test_an_alarm_is_for_one_leg(clock):
    wires, addon = in_leg_one(lambda flow: Scripted(flow, legs=2))
    wires.reply(b"two ")
    assert len(wires.alarms) == 2
    clock.now = 1000.0
    wires.wake()
    assert (addon.one.last, len(wires.alarms)) == ([], 1)


def test_a_client_that_waits_for_a_leg_is_sent_a_sign_of_life(clock):
    wires, _ = in_leg_one()
    assert [alarm.delay for alarm in wires.alarms] == [15.0]
    for now in (15.0, 30.0, 45.0):
        clock.now = now
        wires.wake()
    assert wires.body() == (b"one " + 3 * b": ping\n\n", False)
    wires.says(HEAD)
    wires.chunks(b"two ")
    clock.now = 60.0
    wires.to_client()
    wires.wake()
    assert wires.to_client() == b""


# -- what decides fails -----------------------------------------------------------------


def raising(error):
    def fail(*_):
        raise error

    return fail


@pytest.mark.parametrize("error", [ValueError("x"), asyncio.CancelledError(), TimeoutError()])
def test_a_decision_that_fails_ends_the_response(error):
    class Failing(Scripted):
        async def ended(self):
            raise error

    wires, addon = in_leg_one(Failing)
    assert wires.body() == (b"one the end", True)
    assert nothing_left(wires, addon)


def test_a_decision_that_never_comes_ends_the_response(monkeypatch):
    monkeypatch.setattr(continued, "LONGEST_END_SECONDS", 0.01)

    class Slow(Scripted):
        async def ended(self):
            await asyncio.sleep(60)

    wires, _ = in_leg_one(Slow)
    assert wires.body() == (b"one the end", True)


@pytest.mark.parametrize("call", ["began", "finish", "refused", "failed", "waiting"])
def test_whatever_is_raised_the_response_ends(clock, call):
    wires, addon = in_leg_one(lambda flow: Scripted(flow, legs=1))
    setattr(addon.one, call, raising(RecursionError()))
    wires.wake()
    if call == "failed":
        wires.server_leaves()
    else:
        wires.says(REFUSALS[0] if call == "refused" else HEAD)
        wires.chunks(b"two ", b"")
    assert wires.body()[1]
    assert nothing_left(wires, addon)


@pytest.mark.parametrize("broken", ["none", "text"])
def test_what_is_no_list_of_bytes_is_an_error_like_any(broken):
    wires, addon = in_leg_one(lambda flow: Scripted(flow, legs=1))
    addon.one.feed = lambda _: None if broken == "none" else 7
    wires.reply(b"two ")
    assert wires.body() == (b"one two ", True)
    assert addon.one.last == ["gone"]


@pytest.mark.parametrize("leg", [0, 1])
def test_if_a_reply_cannot_be_read_the_rest_passes_as_it_comes(leg):
    addon = Addon()
    wires = Wires(addon)
    wires.request()
    if leg:
        wires.reply(b"one ")
    wires.says(HEAD)
    wires.chunks(b"two ")
    asked = []
    addon.one.feed = lambda data: asked.append(data) or 1 / 0
    wires.chunks(b"held ", b"held", b"")
    assert wires.body() == (b"one " * leg + b"two held held", True)
    assert asked == [b"held "]
    assert (addon.one.last, addon.one.calls.count("ended")) == (["gone"], leg)
    assert nothing_left(wires, addon)


@pytest.mark.parametrize("leaves", [Wires.server_leaves, Wires.client_leaves])
def test_a_leg_that_nobody_decides_of_any_more_ends_as_any_reply(leaves):
    wires, addon = in_leg_one()
    wires.says(HEAD)
    addon.one.feed = raising(ValueError())
    wires.chunks(b"two ")
    leaves(wires)
    assert wires.body() == (b"one two ", False)
    assert not wires.client.connected or not wires.open()
    assert wires.layer.streams == {}


def test_what_comes_late_of_an_earlier_leg_is_not_this_one_s():
    wires, addon = in_leg_one()
    late = ResponseProtocolError(1, "stream reset", ErrorCode.CANCEL)
    assert list(wires.layer.streams[1].handle_event(late)) == []
    wires.reply(b"two ")
    assert wires.body() == (b"one two the end", True)
    assert addon.one.last == ["finish"]


# -- somebody leaves --------------------------------------------------------------------


@pytest.mark.parametrize("said", [b"", HEAD, HEAD + b"4\r\ntwo \r\n", HEAD + b"40\r\ntwo "])
@pytest.mark.parametrize("leg", [0, 1])
def test_a_client_that_leaves_takes_its_leg_with_it(leg, said):
    addon = Addon()
    wires = Wires(addon)
    wires.request()
    wires.says(HEAD)
    if leg:
        wires.chunks(b"one ", b"")
        wires.says(said)
    wires.client_leaves()
    assert addon.one.last == ["gone"]
    assert wires.called[-1] == "error"
    assert wires.open() == []
    assert wires.layer.streams == {}
    assert nothing_left(wires, addon)


def test_a_client_that_leaves_between_two_legs_is_the_last_of_it():
    addon = Addon()
    wires = Wires(addon, held=[END])
    wires.request()
    wires.reply(b"one ")
    wires.to_server()
    wires.client_leaves()
    wires.go_on()
    assert addon.one.last == ["gone"]
    assert wires.to_server() == b""
    assert wires.called[-1] == "error"
    assert wires.layer.streams == {}
    assert nothing_left(wires, addon)


def test_a_client_that_leaves_while_a_reply_is_handed_over_takes_it_with_it():
    addon = Addon()
    wires = Wires(addon, held=["responseheaders"])
    wires.request()
    wires.says(HEAD)
    wires.client_leaves()
    wires.go_on()
    assert addon.one.last == ["gone"]
    assert wires.open() == []
    assert wires.layer.streams == {}
    assert nothing_left(wires, addon)


def test_a_leg_that_was_not_connected_because_its_client_left_has_not_failed():
    addon = Addon()
    wires = Wires(addon, held=[END])
    wires.request()
    wires.reply(b"one ")
    wires.server_leaves()
    wires.refusing, wires.connecting = "connection cancelled", wires.client_leaves
    wires.go_on()
    assert addon.one.last == ["gone"]
    assert wires.layer.streams == {}
    assert nothing_left(wires, addon)


def test_a_first_reply_that_breaks_off_breaks_off_for_the_client():
    addon = Addon()
    wires = Wires(addon)
    wires.request()
    wires.says(HEAD)
    wires.chunks(b"one ")
    wires.server_leaves()
    assert addon.one.last == ["gone"]
    assert wires.body() == (b"one ", False)
    assert not wires.client.connected
    assert nothing_left(wires, addon)


def test_a_reply_without_a_body_is_left_alone():
    addon = Addon()
    wires = Wires(addon)
    wires.request()
    wires.says(JSON_HEAD % (0, b""))
    assert addon.one.calls == ["gone"]
    assert nothing_left(wires, addon)
    assert wires.body() == (b"", True)


def test_a_flow_that_somebody_kills_is_given_up():
    addon = Addon()
    wires = Wires(addon, held=[END])
    wires.request()
    wires.reply(b"one ")
    addon.flows[0].kill()
    wires.go_on()
    assert addon.one.last == ["gone"]
    assert nothing_left(wires, addon)


class Stuttering(Scripted):
    def __init__(self, flow):
        super().__init__(flow, legs=2)


STEPS = {
    "head": lambda wires: wires.says(HEAD),
    "refusal": lambda wires: wires.says(REFUSALS[0]),
    "piece": lambda wires: wires.chunks(b"x"),
    "end": lambda wires: wires.chunks(b""),
    "reply": lambda wires: wires.reply(b"x"),
    "server leaves": Wires.server_leaves,
    "client leaves": Wires.client_leaves,
    "wake": lambda wires: wires.alarms and wires.wake(),
    "go on": lambda wires: wires.waits and wires.go_on(),
}


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=12), st.booleans())
def test_whatever_happens_there_is_one_last_call_and_nothing_is_left(steps, held):
    addon = Addon(Stuttering)
    wires = Wires(addon, held=[END, "error", "response"] if held else [])
    wires.request()
    wires.says(HEAD)
    for step in (*steps, "client leaves"):
        STEPS[step](wires)
    while wires.waits:
        wires.go_on()
    assert all(len(made.last) == 1 for made in addon.made)
    assert nothing_left(wires, addon)
    assert wires.layer.streams == {}


# -- mitmproxy --------------------------------------------------------------------------


def test_this_mitmproxy_is_built_as_we_need_it():
    assert streams_check.selfcheck() is None
    streams_check.uninstall()
    assert streams_check.selfcheck() is None


def test_a_mitmproxy_that_is_built_otherwise_is_found_out(monkeypatch):
    layer = streams.HttpLayer
    with monkeypatch.context() as patch:
        patch.setattr(layer, "make_stream", lambda self, stream_id: None)
        assert "make_stream" in streams_check.selfcheck()
    with monkeypatch.context() as patch:
        patch.setattr(streams.HttpStream, "check_killed", lambda self: None)
        assert "check_killed" in streams_check.selfcheck()
    with monkeypatch.context() as patch:
        patch.delattr(streams.HttpStream, "make_server_connection")
        assert "make_server_connection" in streams_check.selfcheck()
    assert streams_check.selfcheck() is None
