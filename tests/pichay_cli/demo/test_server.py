import json
import time

import anthropic
import httpx
import pytest

from pichay_cli.demo.certificate import make_certificate
from pichay_cli.demo.plan import Cut, Plan
from pichay_cli.demo.reply import Reply, Text
from pichay_cli.demo.server import serving
from pichay_cli.demo.upstream import Upstream

HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
BODY = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 10,
    "messages": [{"role": "user", "content": "hi"}],
}


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    files = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return files


@pytest.mark.parametrize(("http2", "version"), [(False, "1.1"), (True, "2")])
def test_a_real_client_is_served_over_both_versions_of_http(certificate, http2, version):
    app = Upstream(lambda _: Reply((Text("hello"),)))
    with serving(app, certificate) as url:
        http = anthropic.DefaultHttpxClient(http2=http2)
        with anthropic.Anthropic(base_url=url, api_key="k", http_client=http) as client:
            whole = client.messages.create(**BODY)
            with client.messages.stream(**BODY) as stream:
                streamed = stream.get_final_text()
    assert (whole.content[0].text, streamed) == ("hello", "hello")
    assert [record.http_version for record in app.turns] == [version] * 2


def test_a_protocol_that_is_not_offered_is_not_spoken(certificate):
    app = Upstream(lambda _: Reply((Text("hello"),)))
    with serving(app, certificate, ["http/1.1"]) as url, httpx.Client(http2=True) as client:
        assert client.get(f"{url}/api/hello").http_version == "HTTP/1.1"


def test_an_abrupt_cut_breaks_the_connection_in_the_middle_of_the_body(certificate):
    app = Upstream(lambda _: Reply((Text("hello"),)), Plan(cuts=(Cut(1, 2, abrupt=True),)))
    with (
        serving(app, certificate) as url,
        httpx.Client(headers=HEADERS) as client,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        client.post(f"{url}/v1/messages", json=BODY | {"stream": True})


def test_the_server_is_gone_soon_though_a_client_stays_connected(certificate):
    app = Upstream(lambda _: Reply((Text("hello"),)))
    with httpx.Client() as client:
        with serving(app, certificate) as url:
            client.get(f"{url}/api/hello")
            began = time.monotonic()
        assert time.monotonic() - began < 3
        with pytest.raises(httpx.TransportError):
            client.get(f"{url}/api/hello")


def test_events_are_sent_one_by_one(certificate):
    app = Upstream(lambda _: Reply((Text("hello"),)), Plan(delay_seconds=0.05))
    with serving(app, certificate) as url, httpx.Client(headers=HEADERS) as client:
        arrivals = []
        content = json.dumps(BODY | {"stream": True})
        with client.stream("POST", f"{url}/v1/messages", content=content) as answer:
            for _ in answer.iter_raw():
                arrivals.append(time.monotonic())
    assert len(arrivals) > 5
    assert arrivals[-1] - arrivals[0] > 0.2


def test_without_a_certificate_it_is_plain_http():
    app = Upstream(lambda _: Reply((Text("hello"),)))
    with serving(app, None) as url, httpx.Client(trust_env=False) as client:
        assert url.startswith("http://127.0.0.1:")
        assert client.get(f"{url}/api/hello").status_code == 200
