"""Each page as the code has it now."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import click
from prometheus_client import Metric

from pichay_cli import VERBS, main
from pichay_cli.clients import rows
from pichay_proxy.metrics import COUNTERS, Metrics

COLUMNS = 100
"""Of the help as it is shown."""
MARK = "<!-- clients -->"
METRICS = "<!-- metrics -->"


def written(docs: Path) -> Mapping[str, str]:
    """Return the text of each page, by its name in the folder *docs*, which is read only."""
    return {
        "verbs.md": verbs(),
        "clients.md": clients((docs / "clients.md").read_text("utf-8")),
        "options.md": options((docs / "options.md").read_text("utf-8")),
    }


def verbs() -> str:
    """Return the help of every verb, as ``--help`` prints it."""
    return "\n".join(_verbs())


def _verbs() -> Iterator[str]:
    yield "# Verbs\n\nWhat `pichay VERB --help` prints, for each of them.\n"
    parent = click.Context(
        main,
        info_name="pichay",
        terminal_width=COLUMNS,
        max_content_width=COLUMNS,
        help_option_names=main.context_settings["help_option_names"],
    )
    for name in VERBS:
        command = main.get_command(parent, name)
        assert command is not None
        context = click.Context(command, parent, info_name=name)
        yield f"## pichay {name}\n\n```\n{command.get_help(context)}\n```\n"


def clients(page: str) -> str:
    """Return the page with the table of clients as it is now."""
    before, table, after = page.split(MARK)
    titles = table.strip().splitlines()[:2]
    return f"{before}{MARK}\n\n" + "\n".join([*titles, *map(_row, rows())]) + f"\n\n{MARK}{after}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def options(page: str) -> str:
    """Return the page with the table of metrics as it is now."""
    before, _, after = page.split(METRICS)
    metrics = Metrics()
    metrics.follow(SimpleNamespace(waiting=0, refused=False, dropped=0))
    rows = "\n".join(map(_metric, metrics.registry.collect()))
    titles = "| metric | type | labels | meaning |\n|---|---|---|---|"
    return f"{before}{METRICS}\n\n{titles}\n{rows}\n\n{METRICS}{after}"


def _metric(found: Metric) -> str:
    total = found.type == "counter"
    labels = COUNTERS[found.name.removeprefix("pichay_")][1:] if total else ()
    name = f"{found.name}_total" if total else found.name
    return _row((f"`{name}`", found.type, ", ".join(labels), found.documentation))
