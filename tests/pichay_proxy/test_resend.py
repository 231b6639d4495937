import asyncio
import threading

import pytest
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.test import taddons, tflow, tutils

from pichay_cli.demo.server import serving
from pichay_proxy import resend as module
from pichay_proxy.resend import as_client_sent, put_betas, put_body, resend, take_betas
from tests.e2e.answers import Answer, Answers

OWN = b"the client's own bytes"
EDITED = b"edited"


def flow_to(url="http://127.0.0.1:1", **headers):
    host, _, port = url.rpartition("/")[2].partition(":")
    fields = [(name.replace("_", "-").encode(), v.encode()) for name, v in headers.items()]
    fields.append((b"host", host.encode()))
    request = tutils.treq(
        scheme=b"http", host=host, port=int(port), method=b"POST", path=b"/v1/messages",
        headers=fields, content=EDITED,
    )  # fmt: skip
    return tflow.tflow(req=request, resp=tutils.tresp(status_code=400))


def test_the_copy_carries_the_clients_own_bytes_in_their_encoding():
    flow = flow_to(content_length=str(len(EDITED)))
    copy = as_client_sent(flow, OWN, "br")
    assert copy.request.raw_content == OWN
    assert copy.request.headers["content-encoding"] == "br"
    assert copy.request.headers["content-length"] == str(len(OWN))
    assert copy.response is None
    assert copy.id != flow.id


def test_the_flow_itself_stays_as_it_is():
    flow = flow_to(content_length=str(len(EDITED)))
    as_client_sent(flow, OWN, "br")
    assert flow.request.raw_content == EDITED
    assert "content-encoding" not in flow.request.headers
    assert flow.response.status_code == 400


def test_a_chunked_request_is_given_no_length():
    copy = as_client_sent(flow_to(transfer_encoding="chunked"), OWN, None)
    assert "content-length" not in copy.request.headers


def test_a_body_without_an_encoding_loses_that_of_the_one_before():
    request = flow_to(content_encoding="gzip", content_length="1").request
    put_body(request, OWN, None)
    assert "content-encoding" not in request.headers
    assert request.headers["content-length"] == str(len(OWN))


BETAS = ("context-management-2025-06-27", "another-1")


@pytest.mark.parametrize(
    ("fields", "changed"),
    [
        ([], [(b"anthropic-beta", b"context-management-2025-06-27,another-1")]),
        (
            [(b"Anthropic-Beta", b"one-1, two-2"), (b"x-last", b"1")],
            [
                (b"Anthropic-Beta", b"one-1, two-2,context-management-2025-06-27,another-1"),
                (b"x-last", b"1"),
            ],
        ),
        (
            [(b"anthropic-beta", b"one-1"), (b"anthropic-beta", b"two-2")],
            [
                (b"anthropic-beta", b"one-1"),
                (b"anthropic-beta", b"two-2,context-management-2025-06-27,another-1"),
            ],
        ),
    ],
    ids=["no header", "one", "several"],
)
def test_features_are_added_to_the_clients_own_and_taken_back_byte_for_byte(fields, changed):
    request = flow_to().request
    own = (*request.headers.fields, *fields)
    request.headers.fields = own
    put_betas(request, BETAS)
    assert request.headers.fields == (*own[: len(own) - len(fields)], *changed)
    take_betas(request, BETAS)
    assert request.headers.fields == own


def test_without_features_of_ours_no_header_is_touched():
    request = flow_to(anthropic_beta="context-management-2025-06-27").request
    own = request.headers.fields
    put_betas(request, ())
    take_betas(request, ())
    assert request.headers.fields is own


def test_the_copy_does_not_ask_for_what_the_client_did_not_ask_for():
    flow = flow_to(anthropic_beta="one-1")
    put_betas(flow.request, BETAS)
    copy = as_client_sent(flow, OWN, None, BETAS)
    assert copy.request.headers["anthropic-beta"] == "one-1"
    assert flow.request.headers["anthropic-beta"] == f"one-1,{','.join(BETAS)}"


@pytest.fixture
def upstream():
    app = Answers()
    with serving(app, None) as url:
        app.url = url
        yield app


@pytest.fixture
async def context():
    """With the options that mitmproxy's layers read."""
    with taddons.context(Proxyserver()) as context:
        yield context


async def test_what_is_sent_arrives_and_its_reply_comes_back_whole(upstream, context):
    upstream.choose = lambda _: Answer(201, pieces=(b"first", b"second"))
    reply = await resend(as_client_sent(flow_to(upstream.url), OWN, None))
    assert upstream.last.body == OWN
    assert (reply.status_code, reply.raw_content) == (201, b"firstsecond")


async def test_an_upstream_that_is_gone_gives_no_reply(context):
    assert await resend(as_client_sent(flow_to(), OWN, None)) is None


async def test_an_upstream_that_never_answers_gives_no_reply_and_is_hung_up_on(
    upstream, context, monkeypatch
):
    monkeypatch.setattr(module, "LONGEST_SECONDS", 0.2)
    never = threading.Event()
    upstream.choose = lambda _: Answer(hold=never, pieces=(b"first", b"second"))
    assert await resend(as_client_sent(flow_to(upstream.url), OWN, None)) is None
    assert await asyncio.to_thread(upstream.gone.wait, 5)
