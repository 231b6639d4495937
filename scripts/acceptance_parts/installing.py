"""A client, installed at its pinned version into a folder of its own.

Rule of this file: the registry's ordinary client does it, into a folder that bears package and
version; what is complete is used again, what is not is made anew.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from acceptance_parts.clients import Client, Registry

_COMPLETE = "complete"
LIMIT_SECONDS = 900


class NotInstalledError(Exception):
    """A client could not be installed; the text says why."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A client that is there."""

    client: Client
    folder: Path
    bytes: int

    @property
    def programs(self) -> Path:
        """Where its programs are."""
        inner = "node_modules/.bin" if self.client.registry is Registry.NPM else "venv/bin"
        return self.folder / inner


def install(client: Client, below: Path) -> Installed:
    """Install *client* in a folder below *below*, unless it is there."""
    folder = below / "-".join((client.package.strip("@").replace("/", "-"), client.version))
    mark = folder / _COMPLETE
    if not mark.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for command in _commands(client, folder):
            _run(command)
        mark.write_text(str(_size(folder)))
    return Installed(client, folder, int(mark.read_text()))


def _commands(client: Client, folder: Path) -> list[list[str]]:
    if client.registry is Registry.NPM:
        quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
        return [["npm", "install", "--prefix", str(folder), *quiet, *client.packages]]
    python = str(folder / "venv" / "bin" / "python")
    if shutil.which("uv"):
        make = ["uv", "venv", "--quiet", "--python", sys.executable, str(folder / "venv")]
        return [make, ["uv", "pip", "install", "--quiet", "--python", python, *client.packages]]
    make = [sys.executable, "-m", "venv", str(folder / "venv")]
    return [make, [python, "-m", "pip", "install", "--quiet", *client.packages]]


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalledError(f"{command[0]} failed: {error}") from error
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise NotInstalledError(f"{command[0]} ended with {done.returncode}: {' '.join(last)}")


def _size(folder: Path) -> int:
    """Bytes of all files; one with several names counts once."""
    files = (path.lstat() for path in folder.rglob("*") if path.is_file())
    return sum({(one.st_dev, one.st_ino): one.st_size for one in files}.values())
