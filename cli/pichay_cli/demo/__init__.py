"""``pichay demo``: an agent, the proxy and a scripted model on this machine, and what came of it.

Rule of this package: the agent is an ordinary client, the proxy is the real one, and the
model is a script that bills as a provider does. No key, no network, nothing left behind.
"""

from importlib.util import find_spec

import click

EXTRA = ("anthropic", "hypercorn")
"""What the demo needs beyond Pichay itself."""


@click.command()
@click.option(
    "--keep", is_flag=True, help="Keep the scratch folder with its recording, and say where it is."
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0.2, max=1000),
    default=1.0,
    show_default=True,
    metavar="FACTOR",
    help="How many times faster than usual the model talks.",
)
@click.option("--thrash", is_flag=True, help="Play 681 reads that thrash, by rules that let them.")
def demo(keep: bool, speed: float, thrash: bool) -> None:
    """Watch an agent being paged: no key, no network, under a minute.

    With --thrash it takes a few minutes, and shows what rules do that let every result go at once,
    and what Pichay does about it.
    """
    if any(find_spec(name) is None for name in EXTRA):
        raise click.ClickException(
            "The demo needs a client and a server to play with: pip install 'pichay[demo]'"
        )
    from pichay_cli.demo.stage import THRASHING, USUAL, perform, scratch_folder

    with scratch_folder(keep) as folder:
        perform(folder, speed, THRASHING if thrash else USUAL)
