"""The command: which clients, with which options, and the table of what came of it."""

import argparse
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from acceptance_parts.clients import CLIENTS, Client
from acceptance_parts.installing import Installed, NotInstalledError, install
from acceptance_parts.namespace import NoNamespaceError, enter
from acceptance_parts.played import Played, differences
from acceptance_parts.playing import play
from acceptance_parts.table import HEAD, aligned, row
from pichay_cli.options import Options

EAGER = Options(schedule="every-turn", tau=2, min_bytes=400)
"""Under which a page leaves as soon as it may."""


def main() -> int:
    """Install, play, print; the exit code is 0 if all are unharmed."""
    given = _parser().parse_args()
    try:
        chosen = [_chosen(name) for name in given.clients or CLIENTS]
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    scratch = given.scratch.expanduser().absolute()
    installed = [found for client in chosen if (found := _installed(client, scratch / "clients"))]
    if not given.no_namespace:
        try:
            enter()
        except NoNamespaceError as error:
            print(error, file=sys.stderr)
            return 2
    found = [_compared(one, given, scratch / "runs") for one in installed]
    print(aligned([HEAD, *(line for lines, _ in found for line in lines)]))
    harm = [line for _, lines in found for line in lines]
    for line in harm:
        print(line)
    unharmed = not harm and len(installed) == len(chosen)
    print("all unharmed" if unharmed else "NOT all unharmed")
    return 0 if unharmed else 1


def _chosen(named: str) -> Client:
    name, _, version = named.partition("@")
    if name not in CLIENTS:
        raise LookupError(f"{name} is not a client here; there are: {', '.join(CLIENTS)}")
    return replace(CLIENTS[name], version=version) if version else CLIENTS[name]


def _installed(client: Client, below: Path) -> Installed | None:
    print(f"{client.name} {client.version}: installing", file=sys.stderr)
    try:
        found = install(client, below)
    except NotInstalledError as error:
        print(f"{client.name} {client.version} is not installed: {error}", file=sys.stderr)
        return None
    print(f"{client.name} {client.version}: {found.bytes / 1e6:.0f} MB", file=sys.stderr)
    return found


def _compared(
    installed: Installed, given: argparse.Namespace, below: Path
) -> tuple[list[tuple[str, ...]], list[str]]:
    """The lines of the table for one client, and what harm was done."""
    client = installed.client
    plain = _played("plain", installed, None, given, below)
    lines, harm = [], []
    for name, options in _ways(given).items():
        paged = _played(name, installed, options, given, below)
        found = differences(paged, plain)
        lines.append(row(client, name, paged, plain, not found))
        harm += [f"{client.name}, {name}: {line}" for line in found]
    return lines, harm


def _played(
    name: str, installed: Installed, options: Options | None, given: argparse.Namespace, below: Path
) -> Played:
    """One run. All are played in one place, as its path is part of what clients send."""
    client = installed.client
    place, kept = below / client.name / "now", below / client.name / name
    if options is not None:
        options = replace(options, database=place / "pichay.db", confdir=place / "mitmproxy")
    played = play(installed, given.model or client.model, options, place, given.captures)
    shutil.rmtree(kept, ignore_errors=True)
    place.rename(kept)
    refused = f"; led nowhere: {', '.join(played.refused)}" if played.refused else ""
    print(f"{client.name}, {name}: {played.seconds:.0f} s, in {kept}{refused}", file=sys.stderr)
    return played


def _ways(given: argparse.Namespace) -> Mapping[str, Options]:
    """What is compared with a run without Pichay, by name."""
    if given.observe:
        return {"observe": Options(mode="observe", settings=tuple(given.set))}
    if given.set:
        return {"set": Options(settings=tuple(given.set))}
    return {"eager": EAGER, "usual": Options()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/acceptance",
        description="Plays real clients end to end with Pichay and without, and compares.",
        epilog=f"Clients: {', '.join(CLIENTS)}. All of them if none is named.",
    )
    add = parser.add_argument
    add("clients", nargs="*", metavar="CLIENT[@VERSION]")
    add("--observe", action="store_true", help="decide and record, but send as it came")
    add("--set", action="append", default=[], metavar="NAME=VALUE",
        help="an option of the addon or of mitmproxy: one run with these, not two")  # fmt: skip
    add("--model", metavar="NAME", help="ask for this model, not the client's entry")
    add("--scratch", type=Path, default=_scratch(), metavar="FOLDER",
        help="where clients are installed and runs are kept (%(default)s)")  # fmt: skip
    add("--captures", action="store_true",
        help="keep what the upstream got; it holds the client's own prompts")  # fmt: skip
    add("--no-namespace", action="store_true",
        help="do not leave the machine's network for an empty one")  # fmt: skip
    return parser


def _scratch() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache) / "pichay-acceptance"


if __name__ == "__main__":
    sys.exit(main())
