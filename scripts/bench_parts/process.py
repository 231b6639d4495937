"""What a process of ours costs, as the operating system counts it."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    """So far."""

    rss_mb: float
    """Memory that is resident now, in MiB."""
    cpu_seconds: float
    main_seconds: float
    """Of it in the main thread: mitmproxy and our request path; the rest is the writer's."""


def cost(pid: int) -> Cost:
    """What the process costs now. Where there is no /proc, ``ps`` knows all but the threads."""
    folder = Path("/proc") / str(pid)
    return _from_proc(folder, pid) if folder.exists() else _from_ps(pid)


def _from_proc(folder: Path, pid: int) -> Cost:
    pages = int((folder / "statm").read_text().split()[1])
    return Cost(
        rss_mb=pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        cpu_seconds=_cpu_seconds(folder / "stat"),
        main_seconds=_cpu_seconds(folder / "task" / str(pid) / "stat"),
    )


def _cpu_seconds(stat: Path) -> float:
    """User and system time; the fields are counted from behind the name, which may hold blanks."""
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _from_ps(pid: int) -> Cost:
    command = ["ps", "-o", "rss=,time=", "-p", str(pid)]
    rss, clock = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    seconds = 0.0
    for part in re.split("[:-]", clock):
        seconds = seconds * 60 + float(part)
    return Cost(int(rss) / 1024, seconds, seconds)
