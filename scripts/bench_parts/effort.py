"""How much is measured: in full, or quickly."""

from dataclasses import dataclass

KB, MB = 1000, 1_000_000


@dataclass(frozen=True, slots=True)
class Effort:
    """How often each thing is done. Sizes are those of request bodies, in bytes."""

    path: tuple[tuple[int, int], ...]
    """Sizes for the request path alone, and rounds of each, in tens."""
    proxy: tuple[tuple[int, int], ...]
    """The same through mitmdump."""
    streams: int
    events: int
    """Of each leg of a stream that goes on."""
    turns: int
    """Calls of ``advance``."""
    puts: int
    """Requests whose records are put."""
    sessions: int
    requests: int
    """In all sessions together, for the memory of mitmdump."""
    idle_seconds: float


FULL = Effort(
    path=((300 * KB, 150), (1 * MB, 120), (5 * MB, 60)),
    proxy=((300 * KB, 120), (5 * MB, 60)),
    streams=20,
    events=50,
    turns=2000,
    puts=400,
    sessions=20,
    requests=2000,
    idle_seconds=10.0,
)

QUICK = Effort(
    path=((300 * KB, 40), (1 * MB, 20), (5 * MB, 10)),
    proxy=((300 * KB, 30), (5 * MB, 10)),
    streams=5,
    events=20,
    turns=500,
    puts=100,
    sessions=5,
    requests=200,
    idle_seconds=6.0,
)
