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
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import click
from cryptography import x509

from pichay_cli import trust
from pichay_cli.certificates import AUTHORITY, authority, bundles, certificates_in
from pichay_cli.clients import BASE_URLS
from pichay_cli.environment import (
    CERTIFICATE_VARIABLES,
    KNOWN_PORTS,
    LOOPBACK,
    inside,
    through_proxy,
)
from pichay_cli.launch import accepts, addon_path, certificates_folder, port_is_free
from pichay_cli.proxy import PORT
from pichay_cli.route import route
from pichay_cli.row import Row, fail, ok, warn
from pichay_core.prices import BadPrices
from pichay_core.store.place import VARIABLE, beside, own_prices, prices_path
from pichay_core.store.schema import is_newer, problem_with

PYTHON = (3, 12)
MITMPROXY = ((12, 1), (13, 0))
"""The versions the addon is built for: from the first, below the second."""


def interpreter() -> Row:
    """The Python that runs this is new enough."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON:
        return fail("python", found, "Install Pichay with Python 3.12 or newer.")
    return ok("python", found)


def mitmproxy_version() -> Row:
    """mitmproxy is there, can be imported, and is of a version the addon is built for."""
    wanted = "Install one: pip install 'mitmproxy>=12.1,<13'"
    try:
        found = version("mitmproxy")
        importlib.import_module("mitmproxy.tools.dump")
    except (PackageNotFoundError, ImportError) as error:
        return fail("mitmproxy", f"cannot be imported ({error})", wanted)
    if not MITMPROXY[0] <= _major_minor(found) < MITMPROXY[1]:
        return fail("mitmproxy", f"{found} is not supported", wanted)
    return ok("mitmproxy", found)


def _major_minor(text: str) -> tuple[int, int]:
    major, minor = text.split(".")[:2]
    return int(major), int("".join(digit for digit in minor if digit.isdigit()) or 0)


def addon() -> Row:
    """The script that mitmdump loads is found."""
    try:
        return ok("addon", str(addon_path()))
    except click.ClickException as error:
        return fail("addon", "not found", error.message)


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
        return warn(what, "no answer", f"Its own check took more than {ANSWER_SECONDS} seconds.")
    *_, found = (done.stdout or done.stderr).splitlines() or [""]
    if found or done.returncode:
        advice = "The model is not offered them; all else works. Another mitmproxy may fit."
        return warn(what, f"not with this mitmproxy ({found})", advice)
    return ok(what, "this mitmproxy lets the addon answer the model")


def certificate_authority(confdir: Path, now: datetime) -> Row:
    """mitmproxy's CA is whole, in date, and its key is for its owner only."""
    file = confdir / AUTHORITY
    renew = f"Move {confdir}/mitmproxy-ca* away; the next `pichay run` makes a new CA."
    if not file.exists():
        return ok("CA", "none yet; the first `pichay run` makes it")
    try:
        certificate = x509.load_pem_x509_certificate(authority(confdir).encode())
    except (click.ClickException, ValueError) as error:
        return fail("CA", f"{file} cannot be used ({error})", renew)
    end = certificate.not_valid_after_utc
    if not certificate.not_valid_before_utc <= now < end:
        return fail("CA", f"not valid now; it ends on {end:%Y-%m-%d}", renew)
    if _open_to_others(file):
        return fail("CA", f"the key in {file} can be read by others", f"chmod 600 {file}")
    return ok("CA", f"{file}, valid to {end:%Y-%m-%d}")


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
            return [fail("trust", "cannot be tried", error.message)]
        except (OSError, ValueError) as error:
            return [fail("trust", f"cannot be tried ({error})", "Correct what the CA row says.")]
        others = _bundle_holds(trusted.client, authority(folder))
    unreadable = [_unreadable(path) for path in trusted.unreadable]
    return [*map(_client_row, answers), others, *unreadable]


def _client_row(answer: trust.Answer) -> Row:
    client = answer.client
    if not answer.present:
        return ok(client.name, "not on this machine")
    if not answer.trusts:
        advice = f"It does not take the CA from {client.variable}. Use --reverse with it."
        return fail(client.name, answer.complaint, advice)
    return ok(client.name, f"trusts the CA ({client.variable})")


def _bundle_holds(bundle: Path, wanted: str) -> Row:
    """Rust, Go and Codex have no program of their own to ask: they read the file."""
    what = "rust, go, codex"
    if wanted in certificates_in(bundle.read_text("utf-8")):
        return ok(what, "SSL_CERT_FILE and CODEX_CA_CERTIFICATE will name a bundle with the CA")
    return fail(what, "the bundle lacks the CA", "Report this: it is a fault of Pichay.")


def _unreadable(path: Path) -> Row:
    named = [name for name in CERTIFICATE_VARIABLES if os.environ.get(name) == str(path)]
    return warn(
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
        warn(
            "node and proxies",
            f"Node {text} ignores HTTPS_PROXY",
            "Agents that run on it need --reverse, or Node 22.21 and newer; those that bring "
            "their own runtime (Claude Code) are not concerned.",
        )
    ]


def default_port() -> Row:
    """The port of ``pichay proxy`` is free. ``pichay run`` takes any."""
    if port_is_free(PORT):
        return ok("port", f"{PORT} is free")
    return warn("port", f"{PORT} is in use", "Choose another for `pichay proxy`: --port NUMBER")


def proxies(environment: Mapping[str, str]) -> Row:
    """The proxy variables of this shell lead somewhere, and not through Pichay twice."""
    what = "proxy variables"
    unset = "unset HTTPS_PROXY https_proxy HTTP_PROXY http_proxy"
    try:
        way = route(environment, None, reverse=False)
    except click.ClickException as error:
        return fail(what, "not usable", error.message)
    if way.proxy is None:
        return _all_pass_by(environment)
    host, port = way.proxy
    if host not in LOOPBACK:
        return ok(what, f"`pichay run` goes on through {host}:{port}")
    if not accepts((host, port)):
        return fail(what, f"{host}:{port} does not answer", unset)
    if inside(environment, certificates_folder()):
        finding = f"this shell goes through a Pichay already, {host}:{port}"
        return warn(what, finding, f"Start the agent as it is, or before `pichay run`: {unset}")
    known = KNOWN_PORTS.get(port)
    return warn(
        what,
        f"this shell already goes through {host}:{port}" + (f" ({known}'s port)" if known else ""),
        f"If that edits requests too, each undoes what the other saves: {unset}",
    )


def gateways(environment: Mapping[str, str]) -> list[Row]:
    """No base URL leads to a program of this machine that edits the same requests."""
    found: list[Row] = []
    for variable in BASE_URLS:
        url = urlsplit(environment.get(variable, ""))
        known = KNOWN_PORTS.get(_port(url)) if url.hostname in LOOPBACK else None
        if known:
            finding = f"{variable} leads to {url.netloc.rpartition('@')[2]} ({known}'s port)"
            advice = f"Each undoes what the other saves. Use one of the two: unset {variable}"
            found.append(warn("two at once", finding, advice))
    return found


def _port(url: SplitResult) -> int:
    try:
        return url.port or 0
    except ValueError:
        return 0


def _all_pass_by(environment: Mapping[str, str]) -> Row:
    for name in ("NO_PROXY", "no_proxy"):
        if "*" in [host.strip() for host in environment.get(name, "").split(",")]:
            return warn(
                "proxy variables", f"{name}=* lets everything pass by Pichay", f"unset {name}"
            )
    return ok("proxy variables", "none set")


def database(path: Path) -> Row:
    """The recorder's file can be read and written, by its owner only, and is not too new."""
    if not path.exists():
        return ok("database", f"none yet; it will be {path}")
    if not os.access(path, os.R_OK | os.W_OK):
        return fail("database", f"{path} cannot be read and written", f"chmod 600 {path}")
    problem = problem_with(path)
    if problem:
        advice = f"Or move it away: mv {path} {path}.old"
        if is_newer(path):
            advice += f". Until then `pichay run` records in {beside(path).name} next to it."
        return fail("database", problem, advice)
    if _open_to_others(path):
        return fail("database", f"{path} can be read by others", f"chmod 600 {path}")
    return ok("database", str(path))


def price_file() -> Row:
    """The user's own prices, if there are any, can be taken."""
    try:
        own = own_prices().own
    except BadPrices as error:
        return fail("prices", str(error), "Pichay does not start with it: correct it or move it.")
    return ok("prices", f"{len(own)} of your own in {prices_path()}" if own else "as listed")


def state_folder(folder: Path) -> Row:
    """The state folder can be written to, and nobody else may look into it."""
    if not os.access(folder, os.W_OK | os.X_OK):
        advice = f"Set {VARIABLE} to a folder that you may write to."
        return fail("state folder", f"{folder} cannot be written to", advice)
    if _open_to_others(folder):
        return warn("state folder", f"{folder} is open to others", f"chmod 700 {folder}")
    return ok("state folder", str(folder))
