"""A stream flows: at once, byte for byte, to whatever end it comes to."""

import asyncio
import gzip
import threading
import time
import zlib
from itertools import pairwise
from statistics import median

import httpx
import pytest

from pichay_cli.demo.server import serving
from tests.e2e.answers import EVENTS, SSE, STREAM, WHOLE, Answer, Answers
from tests.e2e.conftest import eventually
from tests.e2e.conversations import Conversation
from tests.e2e.sockets import HEAD, Http2, chunk, request_of, reset, speaking

pytestmark = pytest.mark.e2e

BOTH = pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
PAUSE = 0.03
EDITED = Conversation("edited").read("a.py").read("b.py").read("c.py")


def without_tools():
    """A conversation that is offered nothing: its replies are not for us to read."""
    return Conversation(tools=[])


def arrivals(proxy, url, http2, body):
    """When each piece of the answer arrived, in seconds since the request was sent."""
    found = []
    with proxy.client(http2) as client:
        client.get(url.removesuffix("/v1/messages") + "/warm")
        began = time.monotonic()
        with client.stream("POST", url, content=body) as answer:
            for _ in answer.iter_raw():
                found.append(time.monotonic() - began)
    return found


@pytest.mark.parametrize(
    ("http2", "packed"), [(False, False), (True, False), (True, True)], ids=["1", "2", "gzip"]
)
def test_no_event_waits_for_a_later_one(eager, bare, upstream, http2, packed):
    answer = Answer(headers=SSE, pieces=EVENTS, pause=PAUSE)
    if packed:
        answer = Answer(headers=PACKED, pieces=_flushed(EVENTS), pause=PAUSE)
    upstream.choose = lambda seen: answer if seen.method == "POST" else Answer()
    body = EDITED.body(stream=True)
    without = [arrivals(bare, upstream.messages, http2, body) for _ in range(2)]
    through = [arrivals(eager, upstream.messages, http2, body) for _ in range(2)]
    firsts = [min(found[0] for found in runs) for runs in (without, through)]
    print(f"first byte: {1000 * firsts[0]:.1f} ms without, {1000 * firsts[1]:.1f} ms with")
    assert firsts[1] < firsts[0] + PAUSE * len(EVENTS) / 2
    gaps = [later - early for found in through for early, later in pairwise(found)]
    assert len(gaps) > len(EVENTS)
    assert median(gaps) > PAUSE / 2


def _flushed(events):
    """Each event as gzip that a reader can read as soon as it has it."""
    packer = zlib.compressobj(wbits=31)
    pieces = [packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH) for event in events]
    return (*pieces, packer.flush())


PACKED = (*SSE, ("content-encoding", "gzip"))


@BOTH
def test_a_compressed_stream_arrives_byte_for_byte_and_is_read(eager, upstream, http2):
    pieces, journal = _flushed(EVENTS), eager.journal()
    upstream.choose = lambda _: Answer(headers=PACKED, pieces=pieces)
    with (
        eager.client(http2) as client,
        client.stream(
            "POST", upstream.messages, content=without_tools().body(stream=True)
        ) as answer,
    ):
        raw = b"".join(answer.iter_raw())
    assert raw == b"".join(pieces)
    assert answer.headers["content-encoding"] == "gzip"
    assert journal.turns()[0]["output_tokens"] == 5


@pytest.mark.parametrize(
    "pieces",
    [
        (b"".join(EVENTS),),
        tuple(b"".join(EVENTS)[at : at + 1] for at in range(len(b"".join(EVENTS)))),
        (b"", b"".join(EVENTS)[:100], b"", b"", b"".join(EVENTS)[100:], b""),
        (b"data: no JSON\n\n", b": comment\r\n\r\n", *EVENTS),
        (*EVENTS, b"data: and more"),
        (b"\x00\xff" * 1000,),
        (b"x" * 3_000_000,),
    ],
    ids=[
        "at once",
        "byte by byte",
        "with empty pieces",
        "odd frames",
        "a rest",
        "noise",
        "endless",
    ],
)
def test_whatever_the_upstream_streams_arrives_byte_for_byte(eager, upstream, pieces):
    upstream.choose = lambda _: Answer(headers=SSE, pieces=pieces)
    with eager.client() as client:
        answer = client.post(upstream.messages, content=Conversation().body(stream=True))
    assert answer.content == b"".join(pieces)


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "x-unheard-of", "gzip, br"])
def test_a_stream_that_is_not_what_its_encoding_says_arrives_byte_for_byte(
    eager, upstream, encoding
):
    headers = (*SSE, ("content-encoding", encoding))
    upstream.choose, journal = lambda _: Answer(headers=headers, pieces=EVENTS), eager.journal()
    with (
        eager.client() as client,
        client.stream(
            "POST", upstream.messages, content=without_tools().body(stream=True)
        ) as answer,
    ):
        assert b"".join(answer.iter_raw()) == b"".join(EVENTS)
    (turn,) = journal.turns()
    assert (turn["status"], turn["input_tokens"]) == (200, None)


def test_a_stream_of_another_path_is_not_held_up(calm, bare, upstream):
    upstream.choose = lambda _: Answer(headers=SSE, pieces=EVENTS, pause=PAUSE)
    url = f"{upstream.url}/v1/complete"
    found = arrivals(calm, url, False, b"{}")
    assert found[-1] - found[0] > PAUSE * (len(EVENTS) - 2)


def _events_then(ending):
    def speak(tls):
        request_of(tls)
        tls.sendall(HEAD + b"".join(map(chunk, EVENTS[:4])))
        time.sleep(0.1)
        ending(tls)

    return speak


ENDINGS = {"reset": reset, "closed": lambda tls: tls.unwrap(), "garbage": lambda tls: None}
ENDINGS["garbage"] = lambda tls: tls.sendall(b"no chunk\r\n")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_stream_that_breaks_off_reaches_the_client_up_to_the_break(
    eager, bare, certificate, ending
):
    journal = eager.journal()
    got = {}
    with speaking(certificate, _events_then(ENDINGS[ending])) as url:
        for name, proxy in (("with", eager), ("without", bare)):
            got[name] = _until_it_breaks(proxy, url)
    assert got["with"] == got["without"]
    assert got["with"][0] == b"".join(EVENTS[:4])
    (turn,) = journal.turns()
    assert (turn["status"], turn["input_tokens"]) == (200, 100)


def _until_it_breaks(proxy, url, http2=False):
    pieces, fault = [], None
    with proxy.client(http2) as client:
        try:
            body = Conversation("broken").body(stream=True)
            with client.stream("POST", f"{url}/v1/messages", content=body) as answer:
                pieces.extend(answer.iter_raw())
        except httpx.TransportError as error:
            fault = type(error)
    return b"".join(pieces), fault


def test_a_stream_that_http2_resets_reaches_the_client_up_to_the_reset(eager, bare, certificate):
    def speak(tls):
        http = Http2(tls)
        stream = http.request()
        http.head(stream)
        http.data(stream, b"".join(EVENTS[:4]))
        time.sleep(0.1)
        http.reset(stream)
        http.request()

    journal = eager.journal()
    with speaking(certificate, speak, "h2") as url:
        assert _until_it_breaks(eager, url, True) == _until_it_breaks(bare, url, True)
        broken = _until_it_breaks(eager, url, True)
    assert broken == (b"".join(EVENTS[:4]), httpx.RemoteProtocolError)
    assert [turn["status"] for turn in journal.turns(2)] == [200, 200]


def test_empty_frames_of_http2_do_not_end_a_body_of_http1(lazy, certificate):
    def speak(tls):
        http = Http2(tls)
        stream = http.request()
        http.head(stream)
        for event in EVENTS:
            http.data(stream, event)
            http.data(stream, b"")
        http.data(stream, b"", end=True)
        http.request()

    with speaking(certificate, speak, "h2") as url, lazy.client(http2=True) as client:
        answer = client.post(f"{url}/v1/messages", content=Conversation().body(stream=True))
    assert answer.http_version == "HTTP/1.1"
    assert answer.content == b"".join(EVENTS)


@BOTH
def test_a_client_that_leaves_in_mid_stream_is_seen_upstream_and_recorded(eager, upstream, http2):
    hold, journal = threading.Event(), eager.journal()
    answer = Answer(headers=SSE, pieces=EVENTS, hold=hold)
    upstream.choose = lambda _: answer
    with (
        eager.client(http2) as client,
        client.stream(
            "POST", upstream.messages, content=Conversation().body(stream=True)
        ) as stream,
    ):
        assert next(stream.iter_raw()) == EVENTS[0]
    assert upstream.gone.wait(5)
    hold.set()
    (turn,) = journal.turns()
    assert (turn["status"], turn["input_tokens"], turn["output_tokens"]) == (200, 100, 1)
    upstream.choose = lambda _: STREAM
    with eager.client(http2) as client:
        again = client.post(upstream.messages, content=Conversation().body(stream=True))
    assert again.content == b"".join(EVENTS)


def test_a_client_that_leaves_before_the_answer_is_recorded(eager, upstream):
    hold, journal = threading.Event(), eager.journal()

    def choose(_):
        hold.wait(5)
        return Answer()

    upstream.choose = choose
    with (
        eager.client(timeout=httpx.Timeout(30, read=0.5)) as client,
        pytest.raises(httpx.ReadTimeout),
    ):
        client.post(upstream.messages, content=Conversation().body())
    (turn,) = journal.turns()
    hold.set()
    assert (turn["status"], turn["input_tokens"]) == (0, None)


def test_an_upstream_that_hangs_up_without_an_answer_is_recorded(eager, bare, certificate):
    journal, got = eager.journal(), []
    with speaking(certificate, request_of) as url:
        for proxy in (eager, bare):
            with proxy.client() as client:
                answer = client.post(f"{url}/v1/messages", content=Conversation().body())
            got.append((answer.status_code, answer.content))
    assert got[0] == got[1]
    (turn,) = journal.turns()
    assert (turn["status"], turn["input_tokens"]) == (0, None)


MANY = 12


@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
def test_streams_of_one_connection_do_not_wait_for_each_other(lazy, certificate, protocol):
    """mitmproxy alone lets five streams of a client reach one host (its issue 8322)."""
    app, all_are_here = Answers(), threading.Event()
    held = Answer(headers=SSE, pieces=EVENTS, hold=all_are_here)

    def choose(seen):
        if len(app.seen) > MANY:
            all_are_here.set()
        return held if seen.method == "POST" else Answer()

    app.choose = choose
    with serving(app, certificate, [protocol]) as url:
        try:
            answers = asyncio.run(_together(lazy, f"{url}/v1/messages"))
        finally:
            all_are_here.set()
    assert {answer.http_version for answer in answers} == {"HTTP/2"}
    assert [answer.content for answer in answers] == [b"".join(EVENTS)] * MANY
    assert {seen.version for seen in app.seen} == {"2" if protocol == "h2" else "1.1"}


async def _together(proxy, url):
    async with proxy.async_client() as client, asyncio.timeout(10):
        await client.get(url)
        body = Conversation().body(stream=True)
        return await asyncio.gather(*(client.post(url, content=body) for _ in range(MANY)))


def test_a_reply_with_a_length_arrives_with_it(eager, upstream):
    headers = (("content-type", "application/json"), ("content-length", str(len(WHOLE))))
    upstream.choose = lambda _: Answer(headers=headers)
    with eager.client() as client:
        answer = client.post(upstream.messages, content=without_tools().body())
    assert answer.headers["content-length"] == str(len(WHOLE))
    assert answer.content == WHOLE


def test_a_large_compressed_reply_arrives_byte_for_byte(eager, upstream):
    packed = gzip.compress(b" " * 50_000_000 + WHOLE)
    headers = (("content-type", "application/json"), ("content-encoding", "gzip"))
    upstream.choose = lambda _: Answer(headers=headers, pieces=(packed,))
    with eager.client() as client, client.stream(
        "POST", upstream.messages, content=without_tools().body()
    ) as answer:  # fmt: skip
        assert b"".join(answer.iter_raw()) == packed
    assert eventually(lambda: "Traceback" not in eager.log.read_text())
