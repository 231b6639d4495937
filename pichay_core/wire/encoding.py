"""Content encodings of HTTP bodies, decoded within a bound.

A body that decodes to more than the bound is refused: a few kilobytes can hold gigabytes.
"""

import zlib
from collections.abc import Callable
from typing import Protocol, cast

import brotli  # pyright: ignore[reportMissingTypeStubs]
import zstandard

from pichay_core.wire.jsontext import Unreadable


class TooLarge(Unreadable):
    """The decoded body is larger than the bound."""


class Decoder(Protocol):
    """Decodes a stream piece by piece."""

    def decode(self, data: bytes, limit: int) -> bytes:
        """Return all that *data* adds.

        Raises TooLarge if that is more than *limit* bytes, Unreadable if the stream is broken
        or something stands behind its end.
        """
        ...

    def complete(self) -> bool:
        """True if the stream has come to its end."""
        ...


class _Identity:
    def decode(self, data: bytes, limit: int) -> bytes:
        return _bounded(data, limit)

    def complete(self) -> bool:
        return True


class _Zlib:
    def __init__(self, window_bits: int, members: int) -> None:
        self._window_bits = window_bits
        self._members = members
        self._stream = zlib.decompressobj(window_bits)

    def decode(self, data: bytes, limit: int) -> bytes:
        out = bytearray()
        while data:
            if self._stream.eof:
                self._members = _one_less(self._members)
                self._stream = zlib.decompressobj(self._window_bits)
            try:
                out += self._stream.decompress(data, limit + 1 - len(out))
            except zlib.error as error:
                raise Unreadable(f"broken compressed body: {error}") from error
            _bounded(out, limit)
            data = self._stream.unused_data
        return bytes(out)

    def complete(self) -> bool:
        return self._stream.eof


class _BrotliStream(Protocol):
    """What this room uses of ``brotli.Decompressor``, which comes without types."""

    def process(self, data: bytes, output_buffer_limit: int) -> bytes: ...
    def is_finished(self) -> bool: ...


_BROKEN_BROTLI = cast("type[Exception]", brotli.error)  # pyright: ignore[reportUnknownMemberType]


class _Brotli:
    def __init__(self) -> None:
        new = cast("Callable[[], _BrotliStream]", brotli.Decompressor)  # pyright: ignore[reportUnknownMemberType]
        self._stream = new()

    def decode(self, data: bytes, limit: int) -> bytes:
        if not data:
            return b""
        try:
            return _bounded(self._stream.process(data, output_buffer_limit=limit + 1), limit)
        except _BROKEN_BROTLI as error:
            raise Unreadable(f"broken brotli body: {error}") from error

    def complete(self) -> bool:
        return self._stream.is_finished()


class _Zstandard:
    def __init__(self) -> None:
        self._frames = _MOST_MEMBERS
        self._stream = _zstandard_stream()

    def decode(self, data: bytes, limit: int) -> bytes:
        """Feed small pieces: this decoder has no bound of its own on what one piece yields."""
        out = bytearray()
        position = 0
        while position < len(data):
            if self._stream.eof:
                self._frames = _one_less(self._frames)
                self._stream = _zstandard_stream()
            size = max(_SMALLEST_PIECE, (limit - len(out)) // _MOST_EXPANSION)
            piece = data[position : position + size]
            try:
                out += self._stream.decompress(piece)
            except zstandard.ZstdError as error:
                raise Unreadable(f"broken zstd body: {error}") from error
            _bounded(out, limit)
            position += len(piece) - len(self._stream.unused_data)
        return bytes(out)

    def complete(self) -> bool:
        return self._stream.eof


_MOST_MEMBERS = 64
"""RFC 1952 and RFC 8878 let members and frames follow each other. More than these are an attack
on the processor's time: an empty one is a few bytes long."""
_MOST_EXPANSION = 1 << 15
"""Zstandard's worst case: four bytes can stand for a block of 128 KiB (RFC 8878, 3.1.1.2)."""
_SMALLEST_PIECE = 16


def _one_less(members: int) -> int:
    if members <= 1:
        raise Unreadable("something stands behind the end of the compressed body")
    return members - 1


def _bounded[T: (bytes, bytearray)](plain: T, limit: int) -> T:
    if len(plain) > limit:
        raise TooLarge(f"more than {limit:,} bytes after decoding")
    return plain


def _zstandard_stream() -> "zstandard.ZstdDecompressionObj":
    return zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()


_DECODERS: dict[str, Callable[[], Decoder]] = {
    "": _Identity,
    "identity": _Identity,
    "gzip": lambda: _Zlib(16 + zlib.MAX_WBITS, _MOST_MEMBERS),
    "x-gzip": lambda: _Zlib(16 + zlib.MAX_WBITS, _MOST_MEMBERS),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS, 1),
    "br": _Brotli,
    "zstd": _Zstandard,
}


def decoder(encoding: str) -> Decoder:
    """Return a decoder for one content encoding; raises Unreadable for one we do not know."""
    name = encoding.strip().lower()
    if name not in _DECODERS:
        raise Unreadable(f"content encoding {name!r} is not known")
    return _DECODERS[name]()


def decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """Return the whole decoded body: the same object for an identity encoding.

    Raises TooLarge above *limit* bytes, Unreadable for a body that is broken, cut off, or
    followed by something else: what is sent on must be all that the client sent.
    """
    stream = decoder(encoding)
    plain = stream.decode(body, limit)
    if not stream.complete():
        raise Unreadable("the compressed body is cut off")
    return plain
