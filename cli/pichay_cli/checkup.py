"""What must be true for Pichay to work here, one function per fact.

Rule of this file: a check changes nothing of the user's, and a row that is not ok says what
to do.
"""

import importlib
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click
from cryptography import x509

from pichay_cli import trust
from pichay_cli.certificates import AUTHORITY, authority, bundles, certificates_in
from pichay_cli.environment import CERTIFICATE_VARIABLES, LOOPBACK, through_proxy
from pichay_cli.launch import accepts, addon_path, port_is_free
from pichay_cli.proxy import PORT
from pichay_cli.route import route
from pichay_core.prices import BadPrices
from pichay_core.store.place import own_prices, prices_path
from pichay_core.store.schema import problem_with

PYTHON = (3, 12)
MITMPROXY = ((12, 1), (13, 0))
"""The versions the addon is built for: from the first, below the second."""


class Status(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Row:
    """One fact: what was looked at, what was found, what to do about it."""

    status: Status
    what: str
    finding: str
    advice: str = ""


def _ok(what: str, finding: str) -> Row:
    return Row(Status.OK, what, finding)


def _warn(what: str, finding: str, advice: str) -> Row:
    return Row(Status.WARN, what, finding, advice)


def _fail(what: str, finding: str, advice: str) -> Row:
    return Row(Status.FAIL, what, finding, advice)


def interpreter() -> Row:
    """The Python that runs this is new enough."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON:
        return _fail("python", found, "Install Pichay with Python 3.12 or newer.")
    return _ok("python", found)


def mitmproxy_version() -> Row:
    """mitmproxy is there, can be imported, and is of a version the addon is built for."""
    wanted = "Install one: pip install 'mitmproxy>=12.1,<13'"
    try:
        found = version("mitmproxy")
        importlib.import_module("mitmproxy.tools.dump")
    except (PackageNotFoundError, ImportError) as error:
        return _fail("mitmproxy", f"cannot be imported ({error})", wanted)
    if not MITMPROXY[0] <= _major_minor(found) < MITMPROXY[1]:
        return _fail("mitmproxy", f"{found} is not supported", wanted)
    return _ok("mitmproxy", found)


def _major_minor(text: str) -> tuple[int, int]:
    major, minor = text.split(".")[:2]
    return int(major), int("".join(digit for digit in minor if digit.isdigit()) or 0)


def addon() -> Row:
    """The script that mitmdump loads is found."""
    try:
        return _ok("addon", str(addon_path()))
    except click.ClickException as error:
        return _fail("addon", "not found", error.message)


ANSWER_SECONDS = 30
"""For a process that imports mitmproxy, on a busy machine."""
_FITS = "from pichay_proxy.streams_check import selfcheck; print(selfcheck() or '')"


def memory_tools(program: str = _FITS) -> Row:
    """The addon can answer the model itself with this mitmproxy.

    It says so in a process of its own: it is a room that is not entered from here.
    """
    what = "memory tools"
    asked = [sys.executable, "-c", program]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=ANSWER_SECONDS)
    except subprocess.TimeoutExpired:
        return _warn(what, "no answer", f"Its own check took more than {ANSWER_SECONDS} seconds.")
    *_, found = (done.stdout or done.stderr).splitlines() or [""]
    if found or done.returncode:
        advice = "The model is not offered them; all else works. Another mitmproxy may fit."
        return _warn(what, f"not with this mitmproxy ({found})", advice)
    return _ok(what, "this mitmproxy lets the addon answer the model")


def certificate_authority(confdir: Path, now: datetime) -> Row:
    """mitmproxy's CA is whole, in date, and its key is for its owner only."""
    file = confdir / AUTHORITY
    renew = f"Move {confdir}/mitmproxy-ca* away; the next `pichay run` makes a new CA."
    if not file.exists():
        return _ok("CA", "none yet; the first `pichay run` makes it")
    try:
        certificate = x509.load_pem_x509_certificate(authority(confdir).encode())
    except (click.ClickException, ValueError) as error:
        return _fail("CA", f"{file} cannot be used ({error})", renew)
    end = certificate.not_valid_after_utc
    if not certificate.not_valid_before_utc <= now < end:
        return _fail("CA", f"not valid now; it ends on {end:%Y-%m-%d}", renew)
    if _open_to_others(file):
        return _fail("CA", f"the key in {file} can be read by others", f"chmod 600 {file}")
    return _ok("CA", f"{file}, valid to {end:%Y-%m-%d}")


def _open_to_others(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def clients(confdir: Path, environment: Mapping[str, str]) -> list[Row]:
    """Each client of this machine trusts the CA, with the variables ``pichay run`` gives it.

    Where there is no CA yet, they are asked about a throwaway one.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = confdir if (confdir / AUTHORITY).exists() else Path(scratch) / "ca"
        try:
            trusted = bundles(Path(scratch), folder, environment)
            given = through_proxy(environment, PORT, trusted.client)
            with trust.server(folder) as port:
                answers = [trust.ask(one, port, {**environment, **given}) for one in trust.CLIENTS]
        except click.ClickException as error:
            return [_fail("trust", "cannot be tried", error.message)]
        except (OSError, ValueError) as error:
            return [_fail("trust", f"cannot be tried ({error})", "Correct what the CA row says.")]
        others = _bundle_holds(trusted.client, authority(folder))
    unreadable = [_unreadable(path) for path in trusted.unreadable]
    return [*map(_client_row, answers), others, *unreadable]


def _client_row(answer: trust.Answer) -> Row:
    client = answer.client
    if not answer.present:
        return _ok(client.name, "not on this machine")
    if not answer.trusts:
        advice = f"It does not take the CA from {client.variable}. Use --reverse with it."
        return _fail(client.name, answer.complaint, advice)
    return _ok(client.name, f"trusts the CA ({client.variable})")


def _bundle_holds(bundle: Path, wanted: str) -> Row:
    """Rust, Go and Codex have no program of their own to ask: they read the file."""
    what = "rust, go, codex"
    if wanted in certificates_in(bundle.read_text("utf-8")):
        return _ok(what, "SSL_CERT_FILE and CODEX_CA_CERTIFICATE will name a bundle with the CA")
    return _fail(what, "the bundle lacks the CA", "Report this: it is a fault of Pichay.")


def _unreadable(path: Path) -> Row:
    named = [name for name in CERTIFICATE_VARIABLES if os.environ.get(name) == str(path)]
    return _warn(
        "own certificates",
        f"{path} cannot be read",
        f"Correct or unset {', '.join(named) or 'the variable that names it'}.",
    )


def node_goes_through(environment: Mapping[str, str]) -> list[Row]:
    """A Node that is there is new enough to take the proxy from the environment."""
    found = trust.node_version(environment)
    if found is None or found >= trust.NODE_WITH_PROXY:
        return []
    text = ".".join(map(str, found))
    return [
        _warn(
            "node and proxies",
            f"Node {text} ignores HTTPS_PROXY",
            "Agents that run on it need --reverse, or Node 22.21 and newer; those that bring "
            "their own runtime (Claude Code) are not concerned.",
        )
    ]


def default_port() -> Row:
    """The port of ``pichay proxy`` is free. ``pichay run`` takes any."""
    if port_is_free(PORT):
        return _ok("port", f"{PORT} is free")
    return _warn("port", f"{PORT} is in use", "Choose another for `pichay proxy`: --port NUMBER")


def proxies(environment: Mapping[str, str]) -> Row:
    """The proxy variables of this shell lead somewhere, and not through Pichay twice."""
    what = "proxy variables"
    unset = "unset HTTPS_PROXY https_proxy HTTP_PROXY http_proxy"
    try:
        way = route(environment, None, reverse=False)
    except click.ClickException as error:
        return _fail(what, "not usable", error.message)
    if way.proxy is None:
        return _all_pass_by(environment)
    host, port = way.proxy
    if host not in LOOPBACK:
        return _ok(what, f"`pichay run` goes on through {host}:{port}")
    if not accepts((host, port)):
        return _fail(what, f"{host}:{port} does not answer", unset)
    return _warn(
        what,
        f"this shell already goes through {host}:{port}",
        f"If that is a Pichay, requests would be paged twice: {unset}",
    )


def _all_pass_by(environment: Mapping[str, str]) -> Row:
    for name in ("NO_PROXY", "no_proxy"):
        if "*" in [host.strip() for host in environment.get(name, "").split(",")]:
            return _warn(
                "proxy variables", f"{name}=* lets everything pass by Pichay", f"unset {name}"
            )
    return _ok("proxy variables", "none set")


def database(path: Path) -> Row:
    """The recorder's file can be read and written, by its owner only, and is not too new."""
    if not path.exists():
        return _ok("database", f"none yet; it will be {path}")
    if not os.access(path, os.R_OK | os.W_OK):
        return _fail("database", f"{path} cannot be read and written", f"chmod 600 {path}")
    problem = problem_with(path)
    if problem:
        return _fail("database", problem, f"Or move it away: mv {path} {path}.old")
    if _open_to_others(path):
        return _fail("database", f"{path} can be read by others", f"chmod 600 {path}")
    return _ok("database", str(path))


def price_file() -> Row:
    """The user's own prices, if there are any, can be taken."""
    try:
        own = own_prices().own
    except BadPrices as error:
        return _fail("prices", str(error), "Pichay does not start with it: correct it or move it.")
    return _ok("prices", f"{len(own)} of your own in {prices_path()}" if own else "as listed")


def state_folder(folder: Path) -> Row:
    """Nobody else may look into the state folder."""
    if _open_to_others(folder):
        return _warn("state folder", f"{folder} is open to others", f"chmod 700 {folder}")
    return _ok("state folder", str(folder))
