"""``pichay proxy``: the addon alone, for clients that one starts oneself.

Rule of this file: standard output holds the variables to paste and nothing else.
"""

import os
import shlex
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import click

from pichay_cli.launch import Proxy, started
from pichay_cli.options import Options, launch_options

PORT = 8080
"""The default port; mitmproxy's own."""


def _fish(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


SHELLS: dict[str, Callable[[str, str], str]] = {
    "sh": lambda name, value: f"export {name}={shlex.quote(value)}",
    "fish": lambda name, value: f"set -gx {name} {_fish(value)}",
    "powershell": lambda name, value: f"$env:{name} = {_powershell(value)}",
}
"""How each shell sets a variable."""


@click.command()
@launch_options(port=PORT)
@click.option(
    "--shell",
    type=click.Choice(list(SHELLS)),
    default="sh",
    show_default=True,
    help="The shell to write the variables for.",
)
def proxy(options: Options, shell: str) -> None:
    """Run the proxy alone and print the variables to paste. Ctrl-C ends it."""
    previous = signal.signal(signal.SIGTERM, _ended)
    try:
        with suppress(KeyboardInterrupt), started(options, os.environ) as running:
            _show(running, shell)
            running.process.wait()
            raise _early_end(running.process)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _ended(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _show(running: Proxy, shell: str) -> None:
    for name, value in running.variables.items():
        click.echo(SHELLS[shell](name, value))
    for note in running.notes:
        click.echo(f"pichay: {note}", err=True)
    click.echo(
        f"pichay: listening on 127.0.0.1:{running.port}; paste the lines above where the "
        "client starts. Ctrl-C ends.",
        err=True,
    )


def _early_end(process: subprocess.Popen[bytes]) -> click.ClickException:
    return click.ClickException(
        f"mitmdump ended with code {process.returncode}. Start `pichay proxy` again; "
        "what it said is above."
    )
