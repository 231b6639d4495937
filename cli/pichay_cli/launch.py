"""mitmdump with the addon, started, awaited and stopped.

Rule of this file: inside ``with started(...)`` the addon runs and the port accepts
connections; after it the recorder has drained and no process is left.
"""

import importlib.util
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from pichay_cli.certificates import bundles
from pichay_cli.clients import UNKNOWN, Client
from pichay_cli.environment import inside, through_proxy, to_base_url
from pichay_cli.options import Options
from pichay_cli.route import Route, route
from pichay_core.store.place import home, written

START_SECONDS = 60.0
"""How long mitmdump may take to be ready: about 1.5 s on an idle machine."""
DRAIN_SECONDS = 15.0
"""How long it may take to end, once asked to."""
LOGS_KEPT = 20

_ALWAYS = ("flow_detail=0", "termlog_verbosity=warn", "tcp_timeout=3600")
"""Nothing per request on screen; and a model may be silent for longer than mitmproxy's 600 s."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What mitmdump is started with. ``settings`` and ``secrets`` are its ``name=value``."""

    port: int
    """Of loopback; 0 means any free one."""
    confdir: Path
    mode: str = "regular"
    settings: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    log: Path | None = None
    """Where its messages go; None means to this process's standard error."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A mitmdump that serves 127.0.0.1:*port*."""

    port: int
    process: subprocess.Popen[bytes]
    lifeline: int
    """A descriptor: mitmdump runs until it is asked to stop, or nobody holds this any more."""
    variables: dict[str, str]
    """What a client's environment needs, on top of the user's."""
    arguments: tuple[str, ...]
    """What goes behind the client's name."""
    upstream: str
    """What it stands for in reverse mode, else empty."""
    notes: tuple[str, ...]
    """What the user should know, one line each."""


@contextmanager
def started(
    options: Options,
    environment: Mapping[str, str],
    log: Path | None = None,
    client: Client = UNKNOWN,
) -> Iterator[Proxy]:
    """mitmdump with the addon, as *options* say, for a client that has *environment*."""
    way = route(environment, options.port, options.reverse, options.hosts, client)
    _require_reachable(way)
    _require_outside(way, environment)
    if options.port:
        _require_free(options.port)
    with written(certificates_folder()):
        trust = bundles(certificates_folder(), options.folder(), environment)
    settings = (
        *way.settings,
        *options.addon_settings(),
        f"ssl_verify_upstream_trusted_ca={trust.upstream}",
        *options.settings,
    )
    plan = Plan(options.port or 0, options.folder(), way.mode, settings, way.secrets, log)
    skipped = tuple(f"{path} cannot be read, so it is left out" for path in trust.unreadable)
    with _running(plan) as (process, channel):
        port = _ready(process, channel, log)
        told = through_proxy(environment, port, trust.client)
        arguments: tuple[str, ...] = ()
        if options.reverse:
            told, arguments = to_base_url(environment, port, client)
        upstream = way.mode.removeprefix("reverse:").removesuffix(":443") if options.reverse else ""
        notes = way.notes + skipped
        yield Proxy(port, process, channel.fileno(), told, arguments, upstream, notes)


@contextmanager
def log_file() -> Iterator[Path]:
    """A log of its own in the state folder; afterwards it is gone if nothing was said."""
    folder = home() / "logs"
    with written(folder):
        for old in sorted(folder.glob("*.log"))[: 1 - LOGS_KEPT]:
            old.unlink(missing_ok=True)
        path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**9:09}.log"
        path.touch(mode=0o600)
    try:
        yield path
    finally:
        if path.exists() and not path.stat().st_size:
            path.unlink()


def certificates_folder() -> Path:
    """Where the bundles are that a client is told to trust."""
    return home() / "certificates"


def addon_path() -> Path:
    """The script that mitmdump loads. It is found, not imported: it needs a running mitmproxy."""
    spec = importlib.util.find_spec("pichay_addon")
    if spec is None or spec.origin is None:
        raise click.ClickException(
            "The addon pichay_addon.py is not installed beside this program. Install pichay again."
        )
    return Path(spec.origin)


def port_is_free(port: int) -> bool:
    """True if one may listen on 127.0.0.1:*port* now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def accepts(address: tuple[str, int]) -> bool:
    """True if something listens at *address*."""
    with suppress(OSError), socket.create_connection(address, timeout=5):
        return True
    return False


def arguments(plan: Plan) -> list[str]:
    """mitmdump's command line for *plan*, without the secrets."""
    listen = ["--listen-host", "127.0.0.1", "-p", str(plan.port), "--mode", plan.mode]
    named = _set(f"confdir={plan.confdir}", *_ALWAYS, *plan.settings)
    return [*listen, *named, "-s", str(addon_path())]


def _set(*settings: str) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


def _require_reachable(way: Route) -> None:
    """A proxy of the user's own that is gone would cut off every client."""
    if way.proxy is None or accepts(way.proxy):
        return
    raise click.ClickException(
        f"HTTPS_PROXY names {way.proxy[0]}:{way.proxy[1]}, but nothing answers there. "
        "Start that proxy, or: unset HTTPS_PROXY https_proxy HTTP_PROXY http_proxy"
    )


def _require_outside(way: Route, environment: Mapping[str, str]) -> None:
    """One Pichay does not go through another: it does not trust their CA, lest it decrypt twice."""
    if way.proxy is None or not inside(environment, certificates_folder()):
        return
    raise click.ClickException(
        f"This shell goes through a Pichay already (127.0.0.1:{way.proxy[1]}). Start the agent "
        "without this one, or first: unset HTTPS_PROXY https_proxy HTTP_PROXY http_proxy"
    )


def _require_free(port: int) -> None:
    if not port_is_free(port):
        raise click.ClickException(
            f"Port {port} on 127.0.0.1 is in use. Choose another with --port NUMBER, "
            "or any free one with --port 0."
        )


@contextmanager
def _running(plan: Plan) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    """mitmdump as a process, and the socket to talk to it. It has ended afterwards."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = _spawn(plan, theirs)
        try:
            yield process, _asked(ours, plan)
        finally:
            _stop(process)


def _spawn(plan: Plan, channel: socket.socket) -> subprocess.Popen[bytes]:
    """mitmdump, starting, in a session of its own: the terminal's Ctrl-C is for the agent.

    It runs in this interpreter (no other is sure to have the addon), with ``-P`` so that a
    module of the project at hand is never taken for one of its own.
    """
    with _output(plan.log) as output:
        return subprocess.Popen(
            [sys.executable, "-P", "-u", "-m", "pichay_cli.mitmdump", *arguments(plan)],
            stdin=channel.fileno(),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


@contextmanager
def _output(log: Path | None) -> Iterator[int]:
    """The descriptor that mitmdump writes to."""
    if log is None:
        yield 2
        return
    with log.open("ab") as file:
        yield file.fileno()


def _asked(channel: socket.socket, plan: Plan) -> socket.socket:
    """*channel*, with the secrets on their way."""
    channel.settimeout(START_SECONDS)
    with suppress(BrokenPipeError):
        channel.sendall(json.dumps(_set(*plan.secrets)).encode() + b"\n")
    return channel


def _ready(process: subprocess.Popen[bytes], channel: socket.socket, log: Path | None) -> int:
    """The port, as soon as mitmdump serves it with the addon loaded."""
    try:
        said = channel.recv(64)
    except ConnectionResetError:
        said = b""
    except TimeoutError as error:
        raise click.ClickException(
            f"mitmdump was not ready after {START_SECONDS:.0f} s. "
            "Try again when the machine is less busy; `pichay doctor` looks for other reasons."
        ) from error
    if not said:
        raise _failure(process.wait(DRAIN_SECONDS), log)
    return int(said)


def _failure(code: int, log: Path | None) -> click.ClickException:
    reason = "what it said is above" if log is None else _reason(log.read_text("utf-8", "replace"))
    return click.ClickException(
        f"mitmdump ended at start with code {code}: {reason}\n"
        "Correct what it names, or ask `pichay doctor`."
    )


def _reason(said: str, lines: int = 8) -> str:
    """What it said of an option, or else its last lines."""
    refused = re.findall(r"^\[[\d:.]+\] pichay: (.*)$", said, re.MULTILINE)
    return refused[-1] if refused else "\n".join(said.rstrip().splitlines()[-lines:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    """mitmdump has ended afterwards: asked first, so that the recorder drains, then killed."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(DRAIN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
