"""Each page as the code has it now."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import click
from prometheus_client import Metric

from docs_parts.marked import renewed, row
from docs_parts.schema import schema
from pichay_cli import VERBS, main
from pichay_cli.clients import rows
from pichay_cli.datasette import metadata, yaml
from pichay_proxy.metrics import COUNTERS, Metrics

COLUMNS = 100
"""Of the help as it is shown."""
MARK = "<!-- clients -->"
METRICS = "<!-- metrics -->"


def written(docs: Path, recording: Path) -> Mapping[str, str]:
    """Return the text of each page, by its name in the folder *docs*, which is read only.

    What the page on the database asks is answered by *recording*.
    """
    return {
        "verbs.md": verbs(),
        "clients.md": clients((docs / "clients.md").read_text("utf-8")),
        "options.md": options((docs / "options.md").read_text("utf-8")),
        "schema.md": schema((docs / "schema.md").read_text("utf-8"), recording),
        "datasette.yml": yaml(metadata()),
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
    titles = page.split(MARK)[1].strip().splitlines()[:2]
    return renewed(page, MARK, "\n".join([*titles, *map(row, rows())]))


def options(page: str) -> str:
    """Return the page with the table of metrics as it is now."""
    metrics = Metrics()
    metrics.follow(SimpleNamespace(waiting=0, refused=False, dropped=0))
    titles = "| metric | type | labels | meaning |\n|---|---|---|---|"
    return renewed(page, METRICS, "\n".join([titles, *map(_metric, metrics.registry.collect())]))


def _metric(found: Metric) -> str:
    total = found.type == "counter"
    labels = COUNTERS[found.name.removeprefix("pichay_")][1:] if total else ()
    name = f"{found.name}_total" if total else found.name
    return row((f"`{name}`", found.type, ", ".join(labels), found.documentation))
