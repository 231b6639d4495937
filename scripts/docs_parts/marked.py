"""A page of which a part is written anew, and the tables in it."""

from collections.abc import Sequence


def renewed(page: str, mark: str, part: str) -> str:
    """Return the page with this part between its two marks."""
    before, _, after = page.split(mark)
    return f"{before}{mark}\n\n{part}\n\n{mark}{after}"


def row(cells: Sequence[str]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |"
