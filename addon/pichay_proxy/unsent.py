"""What of a stream has come and was not sent on, so that it can go on as it came.

Rule of this file: bytes only. Nothing here knows what they say.
"""

from collections.abc import Iterable

_FRAME_ENDS = (b"\n\n", b"\r\n\r\n")


class Unsent:
    """The bytes that were not sent, for as long as all that was sent was sent as it came."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._before = 0
        """How many of them came before the newest piece."""
        self._same = True

    def came(self, data: bytes) -> None:
        """Take note of a piece before anything is made of it."""
        if self._same:
            self._before = len(self._held)
            self._held += data

    def sent(self, pieces: Iterable[bytes]) -> None:
        """Take note of what was sent for it."""
        for piece in pieces:
            self._same = self._same and self._held.startswith(piece)
            del self._held[: len(piece)]

    def rest(self) -> bytes | None:
        """Return what is to be sent so that all is as it came, None if that cannot be any more.

        Nor can it where whole frames were held back before the newest piece: those were not for
        the client.
        """
        before = self._held[: self._before]
        if not self._same or any(end in before for end in _FRAME_ENDS):
            return None
        return bytes(self._held)
