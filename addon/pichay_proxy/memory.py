"""Giving memory back after large bodies.

mitmproxy keeps a flow's parts in reference cycles, so that large bodies stay until a full
collection. The modules loaded at start are frozen out of it, which makes one cheap.
"""

import asyncio
import ctypes
import gc
import sys

LARGE = 512 * 1024
"""Bytes of bodies since the last collection from which one is worth it."""
SECONDS = 5.0


class Tidy:
    """Collects garbage now and then, if large bodies have passed."""

    def __init__(self) -> None:
        self._passed = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running loop."""
        gc.collect()
        gc.freeze()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
        gc.unfreeze()

    def saw(self, size: int) -> None:
        """Note that a body of *size* bytes passed."""
        self._passed += size

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            if self._passed > LARGE:
                self._passed = 0
                gc.collect()
                _give_back()


def _give_back() -> None:
    """Return free heap pages to the system, where the C library can."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
