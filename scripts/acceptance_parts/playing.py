"""One run of a client: a scratch project, a clean home, the script from end to end.

Rule of this file: nothing is left of a run but its folder. Commands are in sessions of their own
and bear a mark in their environment; what still bears it at the end, a daemon, is ended too.
"""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from acceptance_parts.clients import Client
from acceptance_parts.gateway import Gateway, open_gateway
from acceptance_parts.installing import Installed
from acceptance_parts.played import Played, counted, tree
from acceptance_parts.script import PROMPTS
from acceptance_parts.upstream import Upstream
from pichay_cli.clients import client_of
from pichay_cli.demo.certificate import Certificate, make_certificate
from pichay_cli.demo.project import write_project
from pichay_cli.demo.server import serving
from pichay_cli.environment import through_proxy
from pichay_cli.launch import started
from pichay_cli.options import Options
from pichay_core.store.place import VARIABLE as HOME_VARIABLE

HOSTS = ("api.anthropic.com", "api.openai.com", "generativelanguage.googleapis.com")
"""The names under which clients look for a model."""
LIMIT_SECONDS = 180.0
"""How long one command may take."""
_MARK = "PICHAY_ACCEPTANCE"
_TIME = "2026-01-05T12:00:00+00:00"


@dataclass(frozen=True, slots=True)
class Folders:
    """Where things are in the folder of a run."""

    folder: Path

    @property
    def project(self) -> Path:
        """What the client works on."""
        return self.folder / "project"

    @property
    def home(self) -> Path:
        """The client's home."""
        return self.folder / "home"

    @property
    def database(self) -> Path:
        """What Pichay recorded."""
        return self.folder / "pichay.db"

    @property
    def output(self) -> Path:
        """What the client printed."""
        return self.folder / "output.txt"


def play(
    installed: Installed, model: str, options: Options | None, folder: Path, captures: bool
) -> Played:
    """Play the script with a client; without *options* it goes straight to the upstream."""
    folders = _prepared(installed.client, model, folder)
    upstream = Upstream(folders.project, folder / "captures.jsonl" if captures else None)
    certificate = make_certificate(folder, HOSTS)
    start = time.monotonic()
    with ExitStack() as stack:
        url = stack.enter_context(serving(upstream, certificate))
        gateway = stack.enter_context(open_gateway(urlsplit(url).port or 0, HOSTS))
        way = stack.enter_context(_way(gateway, certificate, options, folders))
        environment = _environment(installed, folders) | way
        needed = client_of(installed.client.arguments[0]).needed(environment)
        environment |= {need.name: need.value for need in needed}
        codes = tuple(_commands(installed, model, environment, folders))
    return Played(
        codes=codes,
        tree=tree(folders.project, installed.client.own_files),
        received=tuple(upstream.received),
        events=counted(folders.database),
        refused=tuple(dict.fromkeys((*gateway.refused, *upstream.unknown))),
        seconds=time.monotonic() - start,
    )


@contextmanager
def _way(
    gateway: Gateway, certificate: Certificate, options: Options | None, folders: Folders
) -> Iterator[Mapping[str, str]]:
    """What a client's environment needs to go through the gateway, and through Pichay before."""
    if options is None:
        yield through_proxy({}, gateway.port, certificate.authority)
        return
    os.environ[HOME_VARIABLE] = str(folders.folder / "state")
    beyond = {
        "HTTPS_PROXY": f"http://127.0.0.1:{gateway.port}",
        "SSL_CERT_FILE": str(certificate.authority),
    }
    with started(options, beyond, folders.folder / "mitmdump.log") as proxy:
        yield proxy.variables


def _prepared(client: Client, model: str, folder: Path) -> Folders:
    """The folder of the run, anew, with the project under version control."""
    shutil.rmtree(folder, ignore_errors=True)
    folders = Folders(folder)
    for made in (folders.project, folders.home, folders.home / "tmp"):
        made.mkdir(parents=True)
    for path, text in client.files.items():
        target = folders.home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace("{model}", model))
    write_project(folders.project)
    _commit(folders)
    return folders


def _commit(folders: Folders) -> None:
    who = {f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER")
           for name, value in (("NAME", "Acceptance"), ("EMAIL", "acceptance@example.invalid"),
                               ("DATE", _TIME))}  # fmt: skip
    environment = {"PATH": os.environ["PATH"], "HOME": str(folders.home), **who}
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "Begin"]):
        subprocess.run(["git", *command], cwd=folders.project, env=environment, check=True)


def _environment(installed: Installed, folders: Folders) -> dict[str, str]:
    """A clean environment: nothing of the user's own but where programs are."""
    return {
        "HOME": str(folders.home),
        "PATH": f"{installed.programs}:{os.environ['PATH']}",
        "TMPDIR": str(folders.home / "tmp"),
        "TERM": "dumb",
        "LANG": "C.UTF-8",
        "SHELL": "/bin/bash",
        "PYTHONDONTWRITEBYTECODE": "1",
        _MARK: secrets.token_hex(8),
        **installed.client.environment,
    }


def _commands(
    installed: Installed, model: str, environment: Mapping[str, str], folders: Folders
) -> Iterator[int]:
    """The exit code of each command; none comes after one that failed."""
    client = installed.client
    prompts = [PROMPTS[task] for task in client.tasks]
    at_once = client.one_process or client.typed
    for number, some in enumerate([prompts] if at_once else [[prompt] for prompt in prompts]):
        command = _command(client, model, some, number)
        command[0] = str(installed.programs / command[0])
        typed = "".join(f"{prompt}\n" for prompt in some) if client.typed else None
        code = _ended(command, environment, folders, typed)
        yield code
        if code:
            return


def _command(client: Client, model: str, prompts: list[str], number: int) -> list[str]:
    found: list[str] = []
    for argument in client.arguments:
        match argument:
            case "{prompt}":
                found += prompts
            case "{again}":
                found += client.again if number else ()
            case _:
                found.append(argument.replace("{model}", model))
    return found


def _ended(
    command: list[str], environment: Mapping[str, str], folders: Folders, typed: str | None
) -> int:
    """The exit code of a command, with all that it started ended; -9 if it took too long."""
    with folders.output.open("ab") as output, subprocess.Popen(
        command, cwd=folders.project, env=dict(environment), stdout=output, stderr=output,
        stdin=subprocess.DEVNULL if typed is None else subprocess.PIPE, start_new_session=True,
    ) as process:  # fmt: skip
        with suppress(subprocess.TimeoutExpired):
            process.communicate(None if typed is None else typed.encode(), LIMIT_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        _end_all(environment[_MARK])
    return process.returncode


def _end_all(mark: str) -> None:
    """No process lives that bears the mark."""
    wanted = f"{_MARK}={mark}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
