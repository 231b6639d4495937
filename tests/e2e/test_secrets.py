"""No credential that passes through Pichay is in anything that it keeps, shows or sends on."""

import base64
import hashlib
import json
import sqlite3
from contextlib import closing
from urllib.request import urlopen

import pytest
import zstandard

from tests.e2e.answers import Answer
from tests.e2e.conftest import EAGER, eventually
from tests.e2e.test_looking_on import collecting, free_port
from tests.e2e.test_wires import FILES, HEADERS, Agent, Model
from tests.tongues import GEMINI, TONGUES

pytestmark = pytest.mark.e2e


def secret(name):
    """A credential that looks like nothing else."""
    return f"{name}-{hashlib.sha256(name.encode()).hexdigest()}"


KEY = secret("sk-ant-api03")
HELD = {
    "x-api-key": KEY,
    "api-key": secret("azure"),
    "x-goog-api-key": secret("AIza"),
    "authorization": f"Bearer {secret('bearer')}",
    "cookie": f"session={secret('cookie')}; theme=dark",
    "x-portkey-api-key": secret("gateway"),
    "cf-aig-authorization": f"Bearer {secret('edge')}",
}
"""All that a request may carry at once."""
LOGINS = (
    {"authorization": f"Bearer sk-ant-oat01-{secret('login')}"},
    {"authorization": f"Bearer eyJ{secret('jwt')}", "chatgpt-account-id": secret("account")},
    {"authorization": f"Basic {secret('basic')}", "proxy-authorization": secret("proxy")},
    {
        "authorization": f"AWS4-HMAC-SHA256 Credential={secret('AKIA')}/x, Signature={secret('s')}",
        "x-amz-security-token": secret("token"),
    },
)
IN_QUERY, SET_COOKIE = secret("query"), secret("set-cookie")
SECRETS = [
    *map(secret, ("sk-ant-api03", "azure", "AIza", "bearer", "cookie", "gateway", "edge", "login")),
    *map(secret, ("jwt", "account", "basic", "proxy", "AKIA", "s", "token", "query", "set-cookie")),
]

HEARD = [one for one in SECRETS if one not in (SET_COOKIE, secret("proxy"))]
"""What comes to the provider: the others are the provider's own, and the proxy's."""


def refused(status, text):
    """A reply that quotes the key it was sent, as some providers do."""
    error = {"type": "invalid_request_error", "message": text}
    return Answer(status, (("content-type", "application/json"),), (json.dumps(error).encode(),))


def with_cookie(choose):
    def answered(seen):
        answer = choose(seen)
        return Answer(answer.status, (*answer.headers, ("set-cookie", SET_COOKIE)), answer.pieces)

    return answered


def talk(tongue, proxy, upstream):
    """Real traffic of one wire: pages leave, requests fail, are refused, are not understood."""
    agent = Agent(tongue, proxy, upstream, name=f"Begin {tongue.name}.")
    upstream.choose = with_cookie(Model(tongue))
    key = "" if tongue is GEMINI else f"{'&' if '?' in agent.url else '?'}key={IN_QUERY}"
    url = agent.url.replace(agent.url.partition("key=")[2] or "\0", IN_QUERY) + key
    headers = HEADERS[tongue] | HELD
    with proxy.client(headers=headers) as client:
        client.post(url, content=agent.body())
        for file in FILES[:2]:
            agent.talk.read(file)
            assert client.post(url, content=agent.body()).status_code == 200
        upstream.choose = lambda seen: refused(401, f"Incorrect API key provided: {KEY}")
        client.post(url, content=agent.body())
        client.post(url, content=b"no JSON, but " + KEY.encode())
        client.post(f"{upstream.url}/v1/unknown?key={IN_QUERY}", content=b"{}")
        upstream.choose = with_cookie(Model(tongue))
        for login in LOGINS:
            client.post(url, content=agent.body(), headers=login)


def kept(folder):
    """Everything below a folder, and what of it is compressed, by where it stands."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()
    for path in folder.rglob("*.db"):
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            for (packed,) in db.execute("select zstd from contents"):
                yield "contents", zstandard.ZstdDecompressor().decompress(packed)


def readings(value):
    """A credential as it is, and as it might be written."""
    raw = value.encode()
    yield raw
    yield value.rpartition("-")[2][:24].encode()
    yield raw.hex().encode()
    yield base64.b64encode(raw)[:-4]


def found(where, text):
    return [(where, one) for one in SECRETS if any(form in text for form in readings(one))]


def test_no_credential_is_kept_shown_or_sent_on(mitmdump, upstream, folder, monkeypatch):
    home, port = folder / "secrets", free_port()
    home.mkdir()
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        options = {"database": home / "pichay.db", "metrics_port": port, "otel": True} | EAGER
        with mitmdump("secrets/mitmdump", allow_subscription=True, **options) as proxy:
            for tongue in TONGUES:
                talk(tongue, proxy, upstream)
            requests = "select count(*) from turns"
            assert eventually(lambda: proxy.count(requests) >= 16, 30)
            assert eventually(lambda: len(collector.spans()) >= proxy.count(requests), 30)
            assert proxy.count("select count(*) from contents") > 0
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
                shown = page.read()
            running = list(kept(home))
        sent = b"".join(collector.bodies) + "".join(collector.headers).encode()
    arrived = "".join(f"{seen.path} {seen.headers} {seen.body}" for seen in upstream.seen)
    assert [one for one in HEARD if one not in arrived] == []
    places = [*running, *kept(home), ("metrics", shown), ("spans", sent)]
    assert {"pichay.db", "mitmdump.log", "contents"} <= {where for where, _ in places}
    assert [leak for where, text in places for leak in found(where, text)] == []
