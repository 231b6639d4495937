"""A real mitmdump with the addon, a scripted upstream with TLS, and what was recorded."""

import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import anthropic
import httpx
import pytest

from pichay_cli.certificates import authority
from pichay_cli.demo.certificate import make_certificate
from pichay_cli.demo.server import serving
from pichay_cli.launch import started
from pichay_cli.options import Options
from tests.e2e.answers import Answers, Stage

KEY = {"x-api-key": "sk-ant-api03-test", "anthropic-version": "2023-06-01"}
EAGER = {"schedule": "batch", "flush_tokens": 100, "tau": 1, "min_bytes": 500}
"""Options under which a page leaves as soon as the model has answered to a later one."""

STREAMS_ONLY = "def responseheaders(flow):\n    flow.response.stream = True\n"
"""An addon that does nothing but what any must: mitmproxy buffers streams by default."""


def eventually(probe, seconds=5.0):
    """What *probe* returns, as soon as that is true."""
    until = time.monotonic() + seconds
    while not (found := probe()) and time.monotonic() < until:
        time.sleep(0.02)
    return found


class Journal:
    """What has been recorded since it was opened."""

    def __init__(self, database: Path):
        self._path = database
        self._since = time.time()

    def turns(self, number=1, settled=True, seconds=5.0):
        """The turns in order, once there are *number* of them, with their replies' end."""
        sql = f"select * from turns where at >= {self._since!r} order by at"
        enough = eventually(lambda: _enough(self._rows(sql), number, settled), seconds)
        return enough or self._rows(sql)

    def events(self, *kinds, number=1):
        marks = ", ".join(f"'{kind}'" for kind in kinds)
        sql = f"select * from events where at >= {self._since!r} and kind in ({marks})"
        return eventually(lambda: _enough(self._rows(sql), number, False)) or self._rows(sql)

    def session(self, name):
        return self._rows(f"select * from sessions where id = '{name}'")[0]

    def _rows(self, sql):
        with _reading(self._path) as db:
            return [dict(row) for row in db.execute(sql)]


@contextmanager
def _reading(path):
    db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        yield db
    finally:
        db.close()


def _enough(rows, number, settled):
    ready = len(rows) >= number and not (settled and any(row["status"] is None for row in rows))
    return rows if ready else None


class _PrefersHttp2(ssl.SSLContext):
    """As browsers and agents do. httpx names HTTP/1.1 first, and mitmproxy takes the first."""

    def set_alpn_protocols(self, protocols):
        super().set_alpn_protocols(sorted(protocols, key=lambda name: name != "h2"))


def _pem(context):
    return [ssl.DER_cert_to_PEM_cert(der) for der in context.get_ca_certs(binary_form=True)]


@dataclass
class Mitmdump:
    """A running mitmdump, and clients that go through it."""

    port: int
    trusted: ssl.SSLContext
    pid: int = 0
    database: Path | None = None
    log: Path | None = None

    def client(self, http2=False, **more):
        proxy = f"http://127.0.0.1:{self.port}"
        settings = {"headers": KEY, "timeout": 30, "verify": self.trusted} | more
        return httpx.Client(proxy=proxy, http2=http2, trust_env=False, **settings)

    def async_client(self):
        """Speaks HTTP/2 wherever it can, over one connection."""
        return httpx.AsyncClient(
            proxy=f"http://127.0.0.1:{self.port}", http2=True, trust_env=False, headers=KEY,
            timeout=30, verify=self.trusted_over_http2(), limits=httpx.Limits(max_connections=1),
        )  # fmt: skip

    def trusted_over_http2(self):
        """The same trust, for a client that speaks HTTP/2 wherever it can."""
        trusted = _PrefersHttp2(ssl.PROTOCOL_TLS_CLIENT)
        trusted.load_verify_locations(cadata="".join(_pem(self.trusted)))
        return trusted

    def sdk(self, url, http2=False, sent=None, key="sk-ant-api03-test"):
        """Anthropic's own client. Bodies that it sends are appended to *sent*."""
        hook = (lambda _: None) if sent is None else (lambda request: sent.append(request.read()))
        http = anthropic.DefaultHttpxClient(
            proxy=f"http://127.0.0.1:{self.port}", http2=http2, verify=self.trusted,
            trust_env=False, event_hooks={"request": [hook]},
        )  # fmt: skip
        return anthropic.Anthropic(base_url=url, api_key=key, http_client=http, max_retries=0)

    def journal(self):
        return Journal(self.database)

    def count(self, sql):
        """What a query over the recording comes to."""
        with _reading(self.database) as db:
            return db.execute(sql).fetchone()[0]

    def resident(self):
        """Megabytes of memory; 0 where there is no /proc."""
        if sys.platform != "linux":
            return 0
        with open(f"/proc/{self.pid}/status") as status:
            return next(int(line.split()[1]) / 1000 for line in status if line.startswith("VmRSS"))

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A state folder and a CA of their own for the whole run."""
    folder = tmp_path_factory.mktemp("e2e")
    authority(folder / "confdir")
    return folder


@pytest.fixture(scope="session")
def certificate(folder):
    (folder / "upstream").mkdir()
    return make_certificate(folder / "upstream")


@pytest.fixture(scope="session")
def stage(certificate):
    application = Stage()
    with serving(application, certificate) as url:
        yield application, url


@pytest.fixture
def upstream(stage):
    """The upstream's application, anew for each test; ``upstream.url`` is where it is."""
    application, url = stage
    application.application = answers = Answers()
    answers.url = url
    answers.messages = f"{url}/v1/messages"
    return answers


@pytest.fixture
def perform(stage):
    """Puts another application in its place."""
    application, url = stage

    def perform(other):
        application.application = other
        return url

    return perform


@pytest.fixture(scope="session")
def mitmdump(folder, certificate):
    """Starts mitmdump with the addon; ``with mitmdump(name, tau=1) as proxy:``."""

    @contextmanager
    def start(name, **options):
        database = options.pop("database", folder / f"{name}.db")
        log = folder / f"{name}.log"
        environment = {"SSL_CERT_FILE": str(certificate.authority)} | options.pop("environment", {})
        options = {"hosts": ("127.0.0.1",), "confdir": folder / "confdir"} | options
        chosen = Options(database=database, **options)
        with ExitStack() as stack:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("PICHAY_HOME", str(folder / "home"))
                proxy = stack.enter_context(started(chosen, environment, log))
            yield Mitmdump(proxy.port, _trusting(folder), proxy.process.pid, database, log)

    return start


def _trusting(folder):
    """A client's trust in mitmproxy's CA, and in nobody else."""
    return ssl.create_default_context(cafile=folder / "confdir" / "mitmproxy-ca-cert.pem")


@pytest.fixture(scope="session")
def lasting(mitmdump):
    """Starts mitmdump for the rest of the run."""
    with ExitStack() as stack:
        yield lambda name, **options: stack.enter_context(mitmdump(name, **options))


@pytest.fixture(scope="session")
def calm(lasting):
    """With the options' defaults: small conversations are never paged."""
    return lasting("calm")


@pytest.fixture(scope="session")
def eager(lasting):
    return lasting("eager", **EAGER)


@pytest.fixture(scope="session")
def lazy(lasting):
    """Talks to the client before it talks to the upstream, so their versions may differ."""
    return lasting("lazy", settings=("connection_strategy=lazy",))


@pytest.fixture(scope="session")
def bare(folder, certificate):
    """mitmdump without Pichay."""
    script = folder / "streams_only.py"
    script.write_text(STREAMS_ONLY)
    with scripted(folder, script, certificate.authority) as proxy:
        yield proxy


@contextmanager
def scripted(folder, script, authority, *more, log=None):
    """mitmdump with a script, and without Pichay; upstream it trusts *authority*."""
    ours, theirs = socket.socketpair()
    trust = f"ssl_verify_upstream_trusted_ca={authority}"
    command = ["--listen-host", "127.0.0.1", "-p", "0", "--set", f"confdir={folder / 'confdir'}"]
    command += ["--set", trust, "--set", "flow_detail=0", "--set", "termlog_verbosity=warn"]
    command += ["-s", str(script), *more]
    with ours, open(log or os.devnull, "wb") as output, subprocess.Popen(
        [sys.executable, "-P", "-m", "pichay_cli.mitmdump", *command],
        stdin=theirs.fileno(), stdout=output, stderr=output,
    ) as process:  # fmt: skip
        theirs.close()
        ours.sendall(b"[]\n")
        yield Mitmdump(int(ours.recv(64)), _trusting(folder), process.pid, log=log)
        ours.close()
        process.wait(20)
