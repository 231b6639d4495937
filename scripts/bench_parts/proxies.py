"""Proxies to compare: mitmdump with an addon that does nothing, and with ours.

Rule of this file: both get the same options, the same interpreter and the same certificates.
Inside a ``with`` block they serve; after it they have ended.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench_parts.client import Client
from bench_parts.upstream import Upstream, upstream
from pichay_cli.certificates import authority
from pichay_cli.demo.certificate import Certificate, make_certificate
from pichay_cli.launch import Plan, arguments, started
from pichay_cli.options import Options
from pichay_core.store.place import VARIABLE

_NO_OP = """\
class NoOp:
    def request(self, flow):
        pass

    def responseheaders(self, flow):
        flow.response.stream = True

    def response(self, flow):
        pass

    def error(self, flow):
        pass


addons = [NoOp()]
"""
_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Proxy:
    """A mitmdump that serves."""

    port: int
    pid: int


@dataclass(frozen=True, slots=True)
class Stage:
    """What all proxies share. Everything lies in *folder*."""

    folder: Path
    certificate: Certificate
    upstream: Upstream

    @property
    def confdir(self) -> Path:
        """mitmproxy's folder."""
        return self.folder / "mitmproxy"

    def client(self, proxy: Proxy) -> Client:
        """A client of the upstream, through *proxy*."""
        trusted = self.folder / "authority.crt"
        trusted.write_text(authority(self.confdir))
        return Client(proxy.port, self.upstream.port, trusted)

    def database(self, name: str) -> Path:
        """Where the proxy of that name records."""
        return self.folder / f"{name}.db"


@contextmanager
def stage(kind: type[Upstream] = Upstream) -> Iterator[Stage]:
    """A folder, an upstream and a state folder of Pichay's; all gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="pichay-bench-") as name:
        folder = Path(name)
        certificate = make_certificate(folder)
        with _home(folder / "home"), upstream(certificate, kind) as server:
            yield Stage(folder, certificate, server)


@contextmanager
def ours(on: Stage, name: str = "pichay", schedule: str | None = None) -> Iterator[Proxy]:
    """mitmdump with Pichay, as ``pichay proxy`` starts it."""
    options = Options(
        hosts=("127.0.0.1",),
        database=on.database(name),
        confdir=on.confdir,
        schedule=schedule,
    )
    trusting = {"SSL_CERT_FILE": str(on.certificate.authority)}
    with started(options, trusting, on.folder / f"{name}.log") as proxy:
        yield Proxy(proxy.port, proxy.process.pid)


@contextmanager
def no_op(on: Stage) -> Iterator[Proxy]:
    """mitmdump with an addon whose hooks do nothing, but that streams replies as ours does."""
    with scripted(on, "no_op", _NO_OP) as proxy:
        yield proxy


@contextmanager
def scripted(on: Stage, name: str, addon: str) -> Iterator[Proxy]:
    """mitmdump with this addon alone."""
    authority(on.confdir)
    script = on.folder / f"{name}.py"
    script.write_text(addon)
    trusted = f"ssl_verify_upstream_trusted_ca={on.certificate.authority}"
    *options, _ = arguments(Plan(0, on.confdir, settings=(trusted,)))
    ours_end, theirs = socket.socketpair()
    with ours_end, (on.folder / f"{name}.log").open("wb") as log:
        command = [sys.executable, "-P", "-m", "pichay_cli.mitmdump", *options, str(script)]
        with theirs:
            process = subprocess.Popen(
                command, stdin=theirs.fileno(), stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield Proxy(_port(ours_end), process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def _port(channel: socket.socket) -> int:
    """What mitmdump says as soon as it serves."""
    channel.settimeout(_START_SECONDS)
    channel.sendall(json.dumps([]).encode() + b"\n")
    return int(channel.recv(64))


@contextmanager
def _home(folder: Path) -> Iterator[None]:
    """Pichay's state is in *folder* while the block runs: the user's own is not touched."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(folder)
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        if before is not None:
            os.environ[VARIABLE] = before
