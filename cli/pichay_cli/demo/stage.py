"""The demo, start to end: upstream, proxy and agent, one after the other up and down.

Rule of this file: everything lies in one scratch folder and every process ends with the
block that started it. What went wrong is said once, with the words of whoever it happened to.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from pichay_cli.demo import circles, scenario
from pichay_cli.demo.agent import MODEL
from pichay_cli.demo.certificate import make_certificate
from pichay_cli.demo.plan import Plan
from pichay_cli.demo.project import write_project
from pichay_cli.demo.screen import Outcome, outcome, show_live, summary
from pichay_cli.demo.server import serving
from pichay_cli.demo.upstream import Script, Upstream
from pichay_cli.environment import NO_PROXY_VARIABLES
from pichay_cli.launch import started
from pichay_cli.options import Options
from pichay_core.store.place import VARIABLE as HOME_VARIABLE

KEY = "sk-ant-demo-not-a-key"

EVENT_SECONDS = 0.04
"""Between two events of a reply, at speed 1: the whole then takes about half a minute."""

LAST_LINES = 8


@dataclass(frozen=True, slots=True)
class Scratch:
    """Where things are in the scratch folder."""

    folder: Path

    @property
    def project(self) -> Path:
        """What the agent works on."""
        return self.folder / "project"

    @property
    def database(self) -> Path:
        """What the proxy records in."""
        return self.folder / "pichay.db"

    @property
    def steps(self) -> Path:
        """What the agent printed: one line of JSON per step."""
        return self.folder / "agent.jsonl"

    @property
    def complaints(self) -> Path:
        """What the agent had to complain of."""
        return self.folder / "agent.log"

    @property
    def proxy_log(self) -> Path:
        """What mitmdump had to say."""
        return self.folder / "mitmdump.log"


@contextmanager
def scratch_folder(keep: bool) -> Iterator[Path]:
    """A new folder; afterwards it is gone, or if it is to be kept it has been told where it is."""
    with tempfile.TemporaryDirectory(prefix="pichay-demo-", delete=not keep) as name:
        try:
            yield Path(name)
        finally:
            if keep:
                click.echo(f"kept in {name}", err=True)
                recording = Scratch(Path(name)).database
                if recording.exists():
                    click.echo(f"look at it: pichay stats --database {recording}", err=True)


@dataclass(frozen=True, slots=True)
class Play:
    """What is played: what the user asks and the model says, by which rules it is paged."""

    prompts: Sequence[str]
    script: Script
    missing: Callable[[Outcome], Sequence[str]]
    """Returns what it is there to show and an outcome does not."""
    options: Options = field(default_factory=Options)
    event_seconds: float = EVENT_SECONDS
    limit_seconds: float = 90
    """For all that the model's talk does not take."""


USUAL = Play(scenario.PROMPTS, scenario.script, Outcome.missing)
THRASHING = Play(
    circles.PROMPTS,
    circles.script,
    Outcome.not_thrashing,
    # Pins would end it before it is seen, and so would the usual schedule.
    Options(schedule="every-turn", tau=1, pin_half_life=0),
    event_seconds=0,
    limit_seconds=900,
)


def perform(folder: Path, speed: float, play: Play = USUAL) -> None:
    """Run the whole demo in *folder* and print what came of it.

    Raises ClickException if a part of it failed, or did not show what it is there to show.
    """
    scratch = Scratch(folder)
    scratch.project.mkdir()
    write_project(scratch.project)
    upstream = Upstream(play.script, Plan(delay_seconds=play.event_seconds / speed))
    with _ending_in_order(), _home(folder / "home"):
        _run(scratch, play, upstream, play.limit_seconds + 60 / speed)
    _require_success(scratch, upstream)
    _report(scratch, play)


def _run(scratch: Scratch, play: Play, upstream: Upstream, limit_seconds: float) -> None:
    """Upstream, proxy and agent up; the figures on screen; all down again."""
    certificate = make_certificate(scratch.folder)
    options = replace(
        play.options,
        hosts=("127.0.0.1",),
        database=scratch.database,
        confdir=scratch.folder / "mitmproxy",
    )
    # The proxy trusts what its clients trusted, so this is how it comes to trust the upstream.
    trusting = {"SSL_CERT_FILE": str(certificate.authority)}
    with (
        serving(upstream, certificate) as url,
        started(options, trusting, scratch.proxy_log) as proxy,
    ):
        click.echo(_introduction(url, proxy.port, play))
        with _agent(scratch, play, _client_environment(proxy.variables, url)) as agent:
            deadline = time.monotonic() + limit_seconds
            show_live(
                scratch.database,
                until=lambda: agent.poll() is not None or time.monotonic() > deadline,
            )


@contextmanager
def _agent(
    scratch: Scratch, play: Play, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """The agent, at work; it has ended afterwards.

    ``-P`` keeps the scratch project out of its imports, as it would any project.
    """
    program = [sys.executable, "-P", "-m", "pichay_cli.demo.agent"]
    command = [*program, str(scratch.project), *play.prompts]
    with (
        scratch.steps.open("wb") as steps,
        scratch.complaints.open("wb") as complaints,
        subprocess.Popen(
            command, env=environment, cwd=scratch.project, stdout=steps, stderr=complaints
        ) as agent,
    ):
        try:
            yield agent
        finally:
            if agent.poll() is None:
                agent.kill()


def _client_environment(variables: Mapping[str, str], url: str) -> dict[str, str]:
    """Return what an agent's environment is behind the proxy, for an API on loopback.

    The user's own proxy, key and base URL are none of it; and loopback must be proxied here.
    """
    bare = {
        name: value
        for name, value in os.environ.items()
        if "proxy" not in name.lower() and not name.startswith("ANTHROPIC_")
    }
    proxied = {name: value for name, value in variables.items() if name not in NO_PROXY_VARIABLES}
    return bare | proxied | {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY}


def _introduction(url: str, port: int, play: Play) -> str:
    by = " ".join(setting.removeprefix("pichay_") for setting in play.options.addon_settings())
    return click.wrap_text(
        f"A scripted model at {url} bills as {MODEL} does; an agent works on a scratch project, "
        f"{len(play.prompts)} prompts long, through mitmdump with Pichay at 127.0.0.1:{port}"
        f"{by and f' ({by})'}. No key, no network."
    )


def _require_success(scratch: Scratch, upstream: Upstream) -> None:
    """Raise unless the agent did its work and every request of it was answered."""
    refused = [record for record in upstream.turns if record.status != 200]
    if refused:
        raise _failure(scratch, f"the upstream refused {len(refused)} of the agent's requests")
    done = _totals(scratch)
    if done is None:
        raise _failure(scratch, "the agent did not finish its work")
    if not scratch.database.exists():
        raise _failure(scratch, "nothing was recorded")
    own = outcome(scratch.database).legs
    if done + own != len(upstream.turns):
        said = f"made {done} requests and Pichay {own}, the upstream got {len(upstream.turns)}"
        raise _failure(scratch, f"the agent {said}")


def _totals(scratch: Scratch) -> int | None:
    """Return how many requests the agent made, None if it did not come to its end."""
    *_, last = scratch.steps.read_text("utf-8").splitlines() or [""]
    with suppress(ValueError, KeyError, TypeError):
        return json.loads(last)["totals"]["requests"]
    return None


def _failure(scratch: Scratch, what: str) -> click.ClickException:
    """Return the error, with the last words of the agent and of the proxy."""
    logs = {"agent": scratch.complaints, "mitmdump": scratch.proxy_log}
    said = [f"{who}: {text}" for who, log in logs.items() if (text := _end_of(log))]
    hint = "Try --keep and look into the folder; `pichay doctor` looks at the installation."
    return click.ClickException("\n".join([f"The demo failed: {what}.", *said, hint]))


def _end_of(log: Path) -> str:
    if not log.exists():
        return ""
    return "\n".join(log.read_text("utf-8", "replace").rstrip().splitlines()[-LAST_LINES:])


def _report(scratch: Scratch, play: Play) -> None:
    """Print the summary. Raises if it does not show what the demo is there to show."""
    result = outcome(scratch.database)
    click.echo(summary(result))
    if missing := play.missing(result):
        raise _failure(scratch, f"the recording does not show {', '.join(missing)}")


@contextmanager
def _home(folder: Path) -> Iterator[None]:
    """Pichay's state is in *folder* while the block runs: the user's own is not touched."""
    before = os.environ.get(HOME_VARIABLE)
    os.environ[HOME_VARIABLE] = str(folder)
    try:
        yield
    finally:
        del os.environ[HOME_VARIABLE]
        if before is not None:
            os.environ[HOME_VARIABLE] = before


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """A request to end undoes what was begun, as Ctrl-C does; what is ignored stays so."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, _leave) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)
