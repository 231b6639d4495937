"""A response that is made of several replies, through a real mitmdump with a scripted decision."""

import asyncio
import os
import random
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from pichay_cli.demo.server import serving
from tests.e2e.answers import JSON, SSE, Answer, Answers
from tests.e2e.callers import Caller, Http2Caller
from tests.e2e.conftest import eventually, scripted
from tests.e2e.sockets import HEAD, Http2, chunk, request_of, reset, speaking

pytestmark = pytest.mark.e2e

SCRIPT = Path(__file__).parent / "going_on.py"
MORE, PING = b"data: more\n\n", b": ping\n\n"
BOTH = pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
PAIRS = pytest.mark.parametrize(
    ("http2", "protocol"),
    [(False, "http/1.1"), (False, "h2"), (True, "http/1.1"), (True, "h2")],
    ids=["1to1", "1to2", "2to1", "2to2"],
)


def event(text):
    return b"data: %b\n\n" % text.encode()


def told(*legs):
    """An upstream whose answers follow each other: for ``x``, ``leg 1``, ``leg 2``."""
    answers = [Answer(headers=SSE, pieces=pieces) for pieces in legs]
    return lambda seen: answers[number_of(seen.body)] if seen.method == "POST" else Answer()


def number_of(body):
    return int(body.removeprefix(b"leg ")) if body.startswith(b"leg") else 0


THREE = (event("0a"), event("0b"), MORE), (event("1"), MORE), (event("2"),)
ALL = b"".join(event(text) for text in ("0a", "0b", "1", "2"))


@pytest.fixture(scope="session")
def going(folder, certificate):
    """Talks to the client before it talks to the upstream, so their versions may differ."""
    lazy = ("--set", "connection_strategy=lazy")
    with scripted(folder, SCRIPT, certificate.authority, *lazy, log=folder / "going.log") as proxy:
        yield proxy


@contextmanager
def client_of(proxy, http2=False, **more):
    """As if over HTTP/1.1, but an upstream may speak HTTP/2: httpx prefers the older."""
    verify = proxy.trusted_over_http2() if http2 else proxy.trusted
    with proxy.client(http2=True, verify=verify, **more) as client:
        yield client


def left(proxy, url):
    with proxy.client() as client:
        return client.get(f"{url}/left").json()


def clean(proxy, url):
    """What is left, once no leg and no flow is."""
    found = left(proxy, url)
    return found if not found["legs"] and not found["handed over"] else None


# -- going on ---------------------------------------------------------------------------


@PAIRS
def test_three_legs_are_one_response_and_the_connection_goes_on(
    going, certificate, http2, protocol
):
    app = Answers(told(*THREE))
    with serving(app, certificate, [protocol]) as url, client_of(going, http2) as client:
        answers = [client.post(f"{url}/v1/messages", content=b"x") for _ in range(3)]
        assert [answer.content for answer in answers] == [ALL] * 3
        assert {answer.http_version for answer in answers} == {"HTTP/2" if http2 else "HTTP/1.1"}
        assert [seen.body for seen in app.seen] == [b"x", b"leg 1", b"leg 2"] * 3
        assert {seen.version for seen in app.seen} == {"2" if protocol == "h2" else "1.1"}
        assert eventually(lambda: clean(going, url))


@PAIRS
def test_an_unstreamed_reply_goes_on_too(going, certificate, http2, protocol):
    def choose(seen):
        text = b"{" + MORE + b"}" if seen.body == b"x" else b'{"a": 1}'
        return Answer(headers=(*JSON, ("content-length", str(len(text)))), pieces=(text,))

    with (
        serving(Answers(choose), certificate, [protocol]) as url,
        client_of(going, http2) as client,
    ):
        for _ in range(2):
            answer = client.post(f"{url}/v1/messages", content=b"x")
            assert answer.content == b'{"a": 1}'
            assert "content-length" not in answer.headers


def test_every_leg_of_http1_goes_over_one_connection(going, certificate):
    connections = []

    def speak(tls):
        connections.append(tls)
        for reply in THREE * 2:
            request_of(tls)
            tls.sendall(HEAD + b"".join(map(chunk, (*reply, b""))))

    with speaking(certificate, speak) as url, client_of(going) as client:
        for _ in range(2):
            assert client.post(f"{url}/v1/messages", content=b"x").content == ALL
    assert len(connections) == 1


def test_many_streams_of_one_connection_go_on_at_once(going, certificate):
    many, app = 12, Answers(told(*THREE))

    async def together(url):
        async with going.async_client() as client, asyncio.timeout(20):
            posts = (client.post(f"{url}/v1/messages", content=b"x") for _ in range(many))
            return await asyncio.gather(*posts)

    for protocol in ("h2", "http/1.1"):
        with serving(app, certificate, [protocol]) as url:
            answers = asyncio.run(together(url))
            assert [answer.content for answer in answers] == [ALL] * many
            assert eventually(lambda url=url: clean(going, url))


@BOTH
def test_legs_go_through_an_upstream_proxy(folder, certificate, bare, http2):
    mode = ("--mode", f"upstream:http://127.0.0.1:{bare.port}")
    trusted = folder / "confdir" / "mitmproxy-ca-cert.pem"
    app = Answers(told(*THREE))
    with (
        scripted(folder, SCRIPT, trusted, *mode) as going,
        serving(app, certificate) as url,
        client_of(going, http2) as client,
    ):
        for _ in range(2):
            assert client.post(f"{url}/v1/messages", content=b"x").content == ALL
        assert eventually(lambda: clean(going, url))


def test_a_decision_that_is_cancelled_ends_the_response(going, certificate):
    with serving(Answers(told(*THREE)), certificate) as url, client_of(going) as client:
        answer = client.post(f"{url}/v1/messages", content=b"x", headers={"x-raise": "1"})
        assert answer.content == event("0a") + event("0b")


# -- legs that fail ---------------------------------------------------------------------


@PAIRS
@pytest.mark.parametrize("status", [500, 529])
def test_a_leg_that_is_refused_ends_the_response(going, certificate, http2, protocol, status):
    def choose(seen):
        if number_of(seen.body):
            return Answer(status, JSON, (b"{}",))
        return Answer(headers=SSE, pieces=THREE[0])

    app = Answers(choose)
    with serving(app, certificate, [protocol]) as url, client_of(going, http2) as client:
        for _ in range(2):
            answer = client.post(f"{url}/v1/messages", content=b"x")
            assert answer.status_code == 200
            assert answer.content.endswith(event("0b") + event(f"refused {status} {{}}"))


def dying_over_http1(tls):
    while not number_of(request_of(tls)):
        tls.sendall(HEAD + b"".join(map(chunk, (*THREE[0], b""))))
    tls.sendall(HEAD + chunk(event("1")))
    time.sleep(0.1)  # a reset takes what was not read along
    reset(tls)


def dying_over_http2(tls):
    http = Http2(tls)
    for first in (True, False):
        stream = http.request()
        http.head(stream)
        http.data(stream, b"".join(THREE[0]) if first else event("1"), end=first)
    http.reset(stream)


@pytest.mark.parametrize(
    ("protocol", "speak"), [("http/1.1", dying_over_http1), ("h2", dying_over_http2)]
)
@BOTH
def test_a_leg_that_dies_ends_the_response(going, certificate, http2, protocol, speak):
    with speaking(certificate, speak, protocol) as url, client_of(going, http2) as client:
        answer = client.post(f"{url}/v1/messages", content=b"x")
    assert answer.content == b"".join(map(event, ("0a", "0b", "1", "failed")))


@PAIRS
def test_a_client_that_waits_sees_signs_of_life_until_the_leg_is_given_up(
    going, certificate, http2, protocol
):
    hold = threading.Event()
    silent = Answer(headers=SSE, pieces=(b": \n\n",), hold=hold)

    class Silent(Answers):
        async def __call__(self, scope, receive, send):
            if scope["type"] == "http" and len(self.seen) % 2:
                self.seen.append(None)
                await wait_for_the_end(receive)
                self.gone.set()
                return
            await super().__call__(scope, receive, send)

    app = Silent(lambda seen: Answer(headers=SSE, pieces=THREE[0]) if hold else silent)
    with serving(app, certificate, [protocol]) as url, client_of(going, http2) as client:
        began = time.monotonic()
        answer = client.post(f"{url}/v1/messages", content=b"x", headers={"x-idle": "0.7"})
        assert 0.6 < time.monotonic() - began < 3
        assert answer.content == event("0a") + event("0b") + 3 * PING + event("failed")
        assert app.gone.wait(5)
        assert eventually(lambda: clean(going, url))


async def wait_for_the_end(receive):
    while (await receive())["type"] != "http.disconnect":
        pass


# -- somebody leaves --------------------------------------------------------------------


class Endless:
    """Says something every few milliseconds; each leg ends after *length* events with *MORE*."""

    def __init__(self, length=10, pause=0.01):
        self.length, self.pause = length, pause
        self.begun, self.over = 0, 0

    @property
    def speaking(self):
        return self.begun - self.over

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        self.begun += 1
        try:
            await self._speak(receive, send)
        finally:
            self.over += 1

    async def _speak(self, receive, send):
        body = b""
        while (part := await receive())["type"] == "http.request":
            body += part["body"]
            if not part["more_body"]:
                break
        left = asyncio.create_task(wait_for_the_end(receive))
        length = self.length if number_of(body) < 3 else 1 << 30
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        for number in range(length):
            if left.done():
                return
            piece = MORE if number == length - 1 else event(f"{number_of(body)}.{number}")
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(self.pause)
        left.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


HEADERS = [(name.encode(), value.encode()) for name, value in SSE]


@PAIRS
@pytest.mark.parametrize("at", ["0.3", "1.3", "3.3"])
def test_a_client_that_leaves_takes_its_leg_with_it(going, certificate, http2, protocol, at):
    app = Endless()
    with serving(app, certificate, [protocol]) as url:
        before = left(going, url)
        asyncio.run(leave_at(going, url, http2, event(at)))
        assert eventually(lambda: not app.speaking, 2)
        assert app.begun == 1 + int(at[0])
        assert left_since(before, going, url) == {"gone": 1, "errors": 1}


@PAIRS
def test_a_client_that_leaves_between_two_legs_is_the_last_of_it(
    going, certificate, http2, protocol
):
    app = Endless()
    with serving(app, certificate, [protocol]) as url:
        before = left(going, url)
        thinking = {"x-think": "0.5"}
        asyncio.run(leave_at(going, url, http2, event("0.8"), pause=0.1, **thinking))
        assert left_since(before, going, url) == {"gone": 1, "errors": 1}
        assert (app.begun, app.speaking) == (1, 0)


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_a_client_that_leaves_as_it_asks_is_not_overheard(going, certificate, protocol):
    """mitmproxy alone forgets a reset that comes in one read with the end of its request."""

    async def ask_and_leave(url):
        caller = await Http2Caller.to(going, url)
        await caller.post(leaving=True)
        begun = await asyncio.to_thread(eventually, lambda: app.begun)
        over = await asyncio.to_thread(eventually, lambda: not app.speaking, 2)
        await caller.close()
        return begun, over

    app = Endless(length=1 << 30)
    with serving(app, certificate, [protocol]) as url:
        before = left(going, url)
        assert asyncio.run(ask_and_leave(url)) == (1, True)
        assert left_since(before, going, url) == {"gone": 1, "errors": 1}


async def leave_at(proxy, url, http2, text, pause=0.0, **headers):
    """One client, until *text* has come. Over HTTP/2 another stream stays on its connection."""
    caller = await (Http2Caller if http2 else Caller).to(proxy, url)
    stream = await caller.post(**headers)
    async with asyncio.timeout(5):
        await caller.read_until(text, stream)
    await asyncio.sleep(pause)
    await caller.leave(stream)
    await asyncio.sleep(0.1)
    await caller.close()


def left_since(before, proxy, url):
    """What has come to an end since then, once nothing is left that goes on."""
    after = eventually(lambda: clean(proxy, url)) or left(proxy, url)
    return {name: more for name in after if (more := after[name] - before.get(name, 0))}


async def leave_at_random(proxy, url, number, app, seed=0):
    """So many clients, half of them streams of three connections; each leaves within 0.6 s.

    The seconds until no leg is answered any more, while the three connections stay.
    """
    chance = random.Random(seed)
    shared = [await Http2Caller.to(proxy, url) for _ in range(3)]

    async def one():
        await asyncio.sleep(chance.uniform(0, number / 40))
        caller = chance.choice([*shared, None, None, None]) or await Caller.to(proxy, url)
        stream = await caller.post(**{"x-think": str(chance.choice([0, 0.02, 0.1]))})
        await asyncio.sleep(chance.uniform(0, 0.6))
        await caller.leave(stream)

    async with asyncio.timeout(60):
        await asyncio.gather(*(one() for _ in range(number)))
    began = time.monotonic()
    while app.speaking and time.monotonic() < began + 5:
        await asyncio.sleep(0.01)
    for caller in shared:
        await caller.close()
    return time.monotonic() - began


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_clients_that_leave_at_random_leave_nothing_behind(going, certificate, protocol):
    number, app = int(os.environ.get("PICHAY_ABORTS", "20")), Endless(length=5)
    with serving(app, certificate, [protocol]) as url:
        before = left(going, url)
        seconds = asyncio.run(leave_at_random(going, url, number, app))
        found = left_since(before, going, url)
    print(f"{number} clients left, {app.begun} legs, quiet after {seconds:.3f} s, {found}")
    assert app.speaking == 0 and seconds < 5
    assert {"legs", "handed over"}.isdisjoint(found)
    assert app.begun > number


def test_nothing_was_wrong_in_all_of_this(going):
    said = going.log.read_text()
    assert "crashed" not in said
    assert said.count("Traceback") == said.count("after CancelledError()")
