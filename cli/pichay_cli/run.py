"""``pichay run -- CMD``: an agent, with its context paged.

Rule of this file: what the agent prints, reads and returns is its own; Pichay says a line
or two before and one after, on standard error.
"""

import os
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import click

from pichay_cli.clients import Client, client_of
from pichay_cli.launch import Proxy, log_file, started
from pichay_cli.options import Options, launch_options
from pichay_cli.relay import Relay
from pichay_core.store.place import beside
from pichay_core.store.schema import is_newer


class NotFoundError(click.ClickException):
    """There is no such agent; the exit code is what a shell would give."""

    exit_code = 127


class NotExecutableError(click.ClickException):
    """The agent is there but cannot be started; the exit code is what a shell would give."""

    exit_code = 126


@click.command(context_settings={"allow_interspersed_args": False})
@launch_options(port=None)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND...")
def run(options: Options, command: tuple[str, ...]) -> None:
    """Run an agent with its context paged, for example: pichay run -- claude"""
    _require(command)
    options = _usable(options)
    database = options.recording()
    since = time.time()
    with Relay() as relay:
        code = _session(options, command, database, relay)
        _report(database, since)
    sys.exit(code)


def _session(options: Options, command: tuple[str, ...], database: Path, relay: Relay) -> int:
    """The agent's exit code, once it and then the proxy have ended."""
    client = client_of(command[0])
    with log_file() as log:
        with started(options, os.environ, log, client) as proxy:
            environment = os.environ | proxy.variables | _needed(client, options)
            _announce(command[0], client, options, database, proxy)
            code = _child((command[0], *proxy.arguments, *command[1:]), environment, proxy, relay)
            _warn_of_early_end(proxy, log)
        if log.stat().st_size:
            _say(f"the proxy had something to say: {log}")
    return code


def _usable(options: Options) -> Options:
    """The options with a recording that this Pichay can write: an agent is not kept from running.

    Where a newer one has been at work, that is one of its own beside it, and said so. A file that
    the user has named stays named.
    """
    newer = options.recording()
    if options.database is not None or not is_newer(newer):
        return options
    own = beside(newer)
    _say(
        f"{newer} was written by a newer Pichay, so this one records in {own.name} beside it: "
        f"upgrade, or look at it with --database {own}"
    )
    return replace(options, database=own)


def _require(command: tuple[str, ...]) -> None:
    """Raises unless *command* names a program that exists: nothing has been started yet."""
    if not command:
        raise click.UsageError("Name the agent to run, for example: pichay run -- claude")
    if shutil.which(command[0]) is None:
        raise _not_started(command[0])


def _not_started(name: str) -> click.ClickException:
    if Path(name).exists() and "/" in name:
        return NotExecutableError(
            f"{name} is not a program. Make it executable (chmod +x), or name its interpreter."
        )
    return NotFoundError(f"The command {name} was not found. Install it, or name it by its path.")


def _child(
    command: tuple[str, ...], environment: Mapping[str, str], proxy: Proxy, relay: Relay
) -> int:
    # The agent holds the lifeline too: if Pichay is killed, the agent keeps its proxy.
    try:
        return relay.run(command, environment, proxy.lifeline)
    except OSError as error:
        raise NotExecutableError(
            f"{command[0]} cannot be run ({error.strerror or error}). "
            "Correct the file, or name its interpreter."
        ) from error


def _needed(client: Client, options: Options) -> dict[str, str]:
    """What this very client needs. Towards a base URL of its own it sends no attribution."""
    if options.reverse:
        return {}
    found = client.needed(os.environ)
    for need in found:
        _say(f"{need.name}={need.value} is set: {need.because}")
    return {need.name: need.value for need in found}


def _announce(command: str, client: Client, options: Options, database: Path, proxy: Proxy) -> None:
    here = f"127.0.0.1:{proxy.port}"
    way = f"requests to model APIs go through {here}"
    if options.reverse:
        way = f"its base URL is {here}, for {proxy.upstream}"
    _say(f"{command}: {way}; recorded in {database}")
    for note in proxy.notes:
        _say(note)
    given = ("--http-fallback",) if options.http_fallback else ()
    for note in client.told(os.environ, options.reverse, given):
        _say(f"{client.name}: {note}")


def _warn_of_early_end(proxy: Proxy, log: Path) -> None:
    code = proxy.process.poll()
    if code is not None:
        _say(f"the proxy ended before the agent did, with code {code}; see {log}")


def _report(database: Path, since: float) -> None:
    """The line of result, if something was recorded."""
    if find_spec("pichay_cli.result") is None:
        return
    from pichay_cli.result import line

    result = line(database, since)
    if result:
        _say(result)


def _say(text: str) -> None:
    click.echo(f"pichay: {text}", err=True)
