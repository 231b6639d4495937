"""Do the clients of this machine trust mitmproxy's CA? Asked of the clients themselves.

Rule of this file: a real TLS server on loopback, with a leaf certificate signed by the CA,
and the real programs with the very variables ``pichay run`` would give them.
"""

import re
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from shutil import which

from pichay_cli.certificates import AUTHORITY
from pichay_cli.environment import NO_PROXY_VARIABLES, PROXY_VARIABLES

PROBE_SECONDS = 15.0
"""How long one client may take; Node needs about 0.1 s to start on an idle machine."""

_PYTHON = (
    "import socket, ssl, sys; a = ('127.0.0.1', int(sys.argv[1])); "
    "ssl.create_default_context().wrap_socket("
    "socket.create_connection(a, 10), server_hostname='127.0.0.1')"
)
_NODE = (
    "require('https').get('https://127.0.0.1:' + process.argv[1], () => process.exit(0))"
    ".on('error', e => { console.error(String(e)); process.exit(1) })"
)


@dataclass(frozen=True, slots=True)
class Client:
    """A program that connects once: ``{port}`` stands for the server's."""

    name: str
    variable: str
    """The one that it takes the CA from."""
    command: tuple[str, ...]


CLIENTS = (
    Client("python", "SSL_CERT_FILE", (sys.executable, "-I", "-c", _PYTHON, "{port}")),
    Client("node", "NODE_EXTRA_CA_CERTS", ("node", "-e", _NODE, "{port}")),
    Client("curl", "CURL_CA_BUNDLE", ("curl", "-sS", "-o", "-", "https://127.0.0.1:{port}/")),
)


NODE_WITH_PROXY = (22, 21, 0)
"""The first Node whose fetch takes the proxy from the environment (NODE_USE_ENV_PROXY)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it. ``present`` is False if there is no such program."""

    client: Client
    present: bool
    trusts: bool = False
    complaint: str = ""


def ask(client: Client, port: int, environment: Mapping[str, str]) -> Answer:
    """Whether *client*, in *environment*, trusts the server at 127.0.0.1:*port*."""
    program = which(client.command[0], path=environment.get("PATH"))
    if program is None:
        return Answer(client, present=False)
    command = [program, *(part.replace("{port}", str(port)) for part in client.command[1:])]
    try:
        done = subprocess.run(
            command,
            env=_direct(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROBE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return Answer(client, True, complaint=f"no answer after {PROBE_SECONDS:.0f} s")
    except OSError as error:
        return Answer(client, True, complaint=str(error))
    said = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
    return Answer(client, True, trusts=done.returncode == 0, complaint=said)


def node_version(environment: Mapping[str, str]) -> tuple[int, ...] | None:
    """The version of the Node on the path; None if there is none that says."""
    program = which("node", path=environment.get("PATH"))
    if program is None:
        return None
    try:
        said = subprocess.run([program, "--version"], capture_output=True, timeout=PROBE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(rb"v(\d+)\.(\d+)\.(\d+)", said.stdout)
    return tuple(map(int, found.groups())) if found else None


def _direct(environment: Mapping[str, str]) -> dict[str, str]:
    """The question is trust, not the way: without proxies."""
    way = {*PROXY_VARIABLES, *NO_PROXY_VARIABLES, "NODE_USE_ENV_PROXY", "ALL_PROXY", "all_proxy"}
    return {name: value for name, value in environment.items() if name not in way}


@contextmanager
def server(confdir: Path) -> Iterator[int]:
    """The port of a TLS server on loopback, its certificate signed by the CA in *confdir*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("wb", suffix=".pem") as leaf:
        leaf.write(_leaf(confdir))
        leaf.flush()
        # mitmproxy's leaf certificates carry the CA's own key pair.
        context.load_cert_chain(leaf.name, confdir / AUTHORITY)
    listener = _Server(("127.0.0.1", 0), _Ok)
    listener.socket = context.wrap_socket(
        listener.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield listener.server_address[1]
    finally:
        listener.shutdown()
        listener.server_close()


def _leaf(confdir: Path) -> bytes:
    from cryptography.x509 import IPAddress
    from mitmproxy.certs import CertStore
    from mitmproxy.options import CONF_BASENAME, KEY_SIZE

    store = CertStore.from_store(confdir, CONF_BASENAME, KEY_SIZE)
    return store.get_cert("127.0.0.1", [IPAddress(IPv4Address("127.0.0.1"))]).cert.to_pem()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us hangs up: that is an answer, not an error."""


class _Ok(BaseHTTPRequestHandler):
    timeout = PROBE_SECONDS

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on screen."""
