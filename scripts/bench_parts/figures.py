"""Figures as values: what was measured, beside what is aimed at, as text and as JSON."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

type Cell = str | int | float


@dataclass(frozen=True, slots=True)
class Aim:
    """A figure and its bound."""

    what: str
    measured: float
    bound: float
    at_least: bool = False
    """The bound is a lower one."""

    @property
    def met(self) -> bool:
        """True if the figure keeps to its bound."""
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


@dataclass(frozen=True, slots=True)
class Table:
    """One measurement."""

    name: str
    title: str
    columns: tuple[str, ...]
    """With their units; the first names the row."""
    rows: tuple[tuple[Cell, ...], ...]
    aims: tuple[Aim, ...] = ()
    notes: tuple[str, ...] = ()


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which *share* of them lie; the largest for 1.0."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    """The value in the middle."""
    return percentile(values, 0.5)


def as_text(table: Table) -> str:
    """The table in columns as wide as they must be, aims and notes below."""
    cells = [table.columns, *(tuple(map(_shown, row)) for row in table.rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(table.columns))]
    lines = [_line(row, widths) for row in cells]
    rule = "  ".join("-" * width for width in widths)
    aims = [_aim(aim) for aim in table.aims]
    return "\n".join(
        [f"{table.title} ({table.name})", lines[0], rule, *lines[1:], *aims, *table.notes]
    )


def as_json(tables: Sequence[Table]) -> str:
    """Every table, one object per row, and what they were measured on."""
    return json.dumps({"machine": _machine(), "tables": [_object(t) for t in tables]}, indent=2)


def machine() -> str:
    """What this was measured on, in one line."""
    return ", ".join(f"{name} {value}" for name, value in _machine().items())


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        text.ljust(width) if not at else text.rjust(width)
        for at, (text, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *rest]).rstrip()


def _shown(cell: Cell) -> str:
    match cell:
        case float():
            return f"{cell:,.2f}" if abs(cell) < 100 else f"{cell:,.0f}"
        case int():
            return f"{cell:,}"
        case _:
            return cell


def _aim(aim: Aim) -> str:
    bound = f"{'at least' if aim.at_least else 'at most'} {_shown(aim.bound)}"
    verdict = "met" if aim.met else "NOT MET"
    return f"  aim: {aim.what} {bound}: {_shown(aim.measured)}, {verdict}"


def _object(table: Table) -> dict[str, object]:
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    aims = [asdict(aim) | {"met": aim.met} for aim in table.aims]
    return asdict(table) | {"rows": rows, "aims": aims}


def _machine() -> dict[str, str]:
    return {
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": _load(),
    }


def _load() -> str:
    """Processes that ran or waited to, over the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def write_json(file: Path, tables: Sequence[Table]) -> None:
    """Write the tables to *file*."""
    file.write_text(as_json(tables) + "\n", "utf-8")
