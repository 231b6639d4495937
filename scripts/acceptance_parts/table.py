"""The table: one line for each client and each way of running it."""

from collections.abc import Sequence

from acceptance_parts.clients import Client
from acceptance_parts.played import Played

HEAD = ("client", "version", "run", "rc", "tree", "moves", "requests", "evicted", "collected",
        "faults", "MB without", "with", "$ without", "with", "net", "verdict")  # fmt: skip


def row(client: Client, name: str, paged: Played, plain: Played, unharmed: bool) -> tuple[str, ...]:
    """Return the cells of one line."""
    return (
        client.name,
        client.version,
        name,
        str(paged.last_code),
        _same(paged.tree == plain.tree),
        _same(paged.moves == plain.moves),
        str(paged.requests),
        *(str(paged.events.get(kind, 0)) for kind in ("evicted", "collected", "faulted")),
        f"{plain.bytes / 1e6:.2f}",
        f"{paged.bytes / 1e6:.2f}",
        _dollars(plain.dollars),
        _dollars(paged.dollars),
        _net(paged.dollars, plain.dollars),
        "unharmed" if unharmed else "HARMED",
    )


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows as lines of equally wide columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) if at < 3 else cell.rjust(width)
                  for at, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    )  # fmt: skip


def _same(same: bool) -> str:
    return "same" if same else "OTHER"


def _dollars(amount: float | None) -> str:
    return "-" if amount is None else f"{amount:.3f}"


def _net(paged: float | None, plain: float | None) -> str:
    return f"{100 * (paged / plain - 1):+.0f} %" if paged is not None and plain else "-"
