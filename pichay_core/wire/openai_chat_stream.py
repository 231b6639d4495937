"""Chat Completions: a reply on its way to the client."""

from collections.abc import Callable

from pichay_core.wire.reply import Reply, Stream, TextFilter


class Passing:
    """A reply that passes as it came, whatever it says."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the piece."""
        return [data] if data else []

    def end(self) -> Reply:
        """Return that nothing is known of it."""
        return Reply()

    def go_on(self) -> None:
        """Expect another leg: there is none."""

    def finish(self) -> list[bytes]:
        """Return nothing more."""
        return []

    def fail(self, why: str) -> list[bytes]:
        """Return nothing more."""
        return []

    def waiting(self) -> bytes:
        """Return nothing."""
        return b""


def stream(
    names: frozenset[str],
    text_filter: Callable[[], TextFilter] | None = None,
    streamed: bool = True,
) -> Stream:
    """Return what a reply passes through."""
    return Passing()
