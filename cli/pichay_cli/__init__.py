"""The command line: ``pichay VERB``.

Rule of this package: one file per verb, and one line in ``VERBS``. A verb's module is
imported when the verb is asked for, so that ``pichay run`` starts without the rest.
"""

import errno
import importlib
import os
import sys

import click

from pichay_core.store.place import HomeError

VERBS = {
    "run": "pichay_cli.run:run",
    "proxy": "pichay_cli.proxy:proxy",
    "doctor": "pichay_cli.doctor:doctor",
    "demo": "pichay_cli.demo:demo",
    "stats": "pichay_cli.stats:stats",
    "sessions": "pichay_cli.sessions:sessions",
    "show": "pichay_cli.show:show",
    "report": "pichay_cli.report:report",
    "page": "pichay_cli.page:page",
    "top": "pichay_cli.top:top",
    "sql": "pichay_cli.sql:sql",
    "export": "pichay_cli.export:export",
    "probe": "pichay_cli.probe:probe",
    "replay": "pichay_cli.replay:replay",
    "compare": "pichay_cli.compare:compare",
    "prune": "pichay_cli.prune:prune",
    "purge": "pichay_cli.purge:purge",
}
"""Each verb and where its click command is: ``module:attribute``. Shown in this order."""


class LazyGroup(click.Group):
    """A group whose verbs are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order of ``VERBS``."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of the verb *cmd_name*; None if there is no such verb."""
        if cmd_name not in VERBS:
            return None
        module, attribute = VERBS[cmd_name].split(":")
        return getattr(importlib.import_module(module), attribute)

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb. A state folder that cannot be made is an error of every verb, and so is
        a disk that is full where its output goes."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except HomeError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.errno != errno.ENOSPC or error.filename is not None:
                raise
            _forget_output()
            said = f"The output cannot be written: {error.strerror}."
            raise click.ClickException(said) from error


def _forget_output() -> None:
    """Python writes what it still holds when it ends, and would say the same once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pichay", message="%(prog)s %(version)s")
def main() -> None:
    """Demand paging for the context window of coding agents."""
