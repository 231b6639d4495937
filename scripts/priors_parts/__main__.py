"""The command: over which recordings, and with how many processes."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click

from pichay_cli.sources import find
from pichay_core.model import Kind
from pichay_core.policies.references import Standing
from priors_parts.counts import AGES, Counts, counts_of
from priors_parts.rates import Rates, rates, weight

HEAD = '''"""How often a page is asked for again, by how it stands and since when nobody has.

Written by ``scripts/priors CORPUS > pichay_core/policies/priors.py``: change nothing here.
Counted: {conversations:,} conversations, {turns:,} page-turns, {references:,} references.
"""

from pichay_core.model import Kind
from pichay_core.policies.references import Standing

AGES = {ages}
"""Turns since the last reference from which a bucket goes on to the next."""

RATES = {{
{rows}
}}  # fmt: skip
"""References to one page in one turn; never rising with age."""

WEIGHTS = {weights}
"""How many references of a session outweigh the rates, by kind of tool."""
'''


def main() -> int:
    """Count, and print the module; 1 if a recording could not be read."""
    asked = _parser().parse_args()
    try:
        paths = find(asked.paths)
    except click.ClickException as error:
        sys.exit(error.format_message())
    with ProcessPoolExecutor(asked.jobs) as pool:
        found = list(pool.map(counts_of, paths))
    wrong = [said for said in found if isinstance(said, str)]
    print("".join(f"{said}\n" for said in wrong), end="", file=sys.stderr)
    print(
        source([one for counts in found if not isinstance(counts, str) for one in counts]), end=""
    )
    return 1 if wrong else 0


def source(conversations: Sequence[Counts]) -> str:
    """Return the module as text."""
    found = rates(conversations)
    weights = {kind: weight(conversations, found, kind) for kind in (Kind.QUERY, Kind.READ)}
    turns = sum(counts.turns.total() for counts in conversations)
    references = sum(counts.references.total() for counts in conversations)
    return module(found, weights, (len(conversations), turns, references))


def module(found: Rates, weights: Mapping[Kind, float], counted: tuple[int, int, int]) -> str:
    """Return the module with these values; counted were conversations, page-turns, references."""
    conversations, turns, references = counted
    worth = ", ".join(f"Kind.{kind.name}: {weights[kind]}" for kind in weights)
    return HEAD.format(
        conversations=conversations,
        turns=turns,
        references=references,
        ages=AGES,
        rows="\n".join(f"    Standing.{s.name}:\n        {found[s]}," for s in Standing),
        weights=f"{{{worth}}}",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/priors",
        description="Measures how often pages are asked for again; prints the priors of cost.",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="recordings, folders")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="processes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
