"""Is there room for the recording, and has it grown out of hand?

Rule of this file: amounts are bytes; what is judged comes in as arguments.
"""

import shutil
from pathlib import Path

from pichay_cli.row import Row, fail, ok, warn

LITTLE = 200 * 1024**2
"""Bytes free below which there is a warning."""
NONE = 20 * 1024**2
"""Bytes free below which the recorder will soon have to wait."""
HUGE_LOG = 256 * 1024**2
"""Bytes of SQLite's write-ahead log: it is cut back at 4 MB, unless a reader never lets go."""
LARGE = 4 * 1024**3
"""Bytes of a recording that is better pruned."""

_MAKE_ROOM = (
    "Make room: pichay prune --older-than 30d, or record on another disk (--database). "
    "When it is full requests go on, and what is decided waits in memory."
)


def room(path: Path) -> list[Row]:
    """The rows on the disk of a recording, which need not be there yet, and on its size."""
    folder = next((one for one in (path.parent, *path.parent.parents) if one.exists()), Path("/"))
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return [warn("disk", f"{folder} cannot be asked ({error.strerror})", "Look at its mount.")]
    return [free_row(free, folder), *size_rows(path, _size(path), _size(_log_of(path)))]


def free_row(free: int, folder: Path) -> Row:
    """The row on *free* bytes where *folder* is."""
    finding = f"{size(free)} free for {folder}"
    if free < NONE:
        return fail("disk", finding, _MAKE_ROOM)
    return warn("disk", finding, _MAKE_ROOM) if free < LITTLE else ok("disk", finding)


def size_rows(path: Path, held: int, log: int) -> list[Row]:
    """The rows on a recording that has grown too large, or whose write-ahead log has."""
    found: list[Row] = []
    if held > LARGE:
        advice = "pichay prune --older-than 30d"
        found.append(warn("recording", f"{path} holds {size(held)}", advice))
    if log > HUGE_LOG:
        found.append(
            warn(
                "recording",
                f"{_log_of(path)} has grown to {size(log)}: something reads without an end",
                "End what has the recording open (another viewer, a stopped `pichay stats "
                "--live`); the next `pichay run` to end cuts it back.",
            )
        )
    return found


def size(amount: int) -> str:
    """``512 kB``, ``20 MB``, ``3.4 GB``, by thousands."""
    if amount < 10**6:
        return f"{amount / 1e3:.0f} kB"
    return f"{amount / 1e6:.0f} MB" if amount < 10**9 else f"{amount / 1e9:.1f} GB"


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
