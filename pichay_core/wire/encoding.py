"""Content encodings of HTTP bodies, decoded within a bound.

A body that decodes to more than the bound is refused: a few kilobytes can hold gigabytes.
"""

import zlib
from collections.abc import Callable
from typing import Protocol

import brotli
import zstandard

from pichay_core.wire.jsontext import Unreadable


class TooLarge(Unreadable):
    """The decoded body is larger than the bound."""


class Decoder(Protocol):
    """Decodes a stream piece by piece."""

    def decode(self, data: bytes, limit: int) -> bytes:
        """Return what *data* adds, at most *limit* + 1 bytes; raises Unreadable."""
        ...


class _Identity:
    def decode(self, data: bytes, limit: int) -> bytes:
        return data[: limit + 1]


class _Zlib:
    def __init__(self, window_bits: int) -> None:
        self._stream = zlib.decompressobj(window_bits)

    def decode(self, data: bytes, limit: int) -> bytes:
        try:
            return self._stream.decompress(data, limit + 1)
        except zlib.error as error:
            raise Unreadable(f"broken compressed body: {error}") from error


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    def decode(self, data: bytes, limit: int) -> bytes:
        try:
            return self._stream.process(data, output_buffer_limit=limit + 1)
        except brotli.error as error:
            raise Unreadable(f"broken brotli body: {error}") from error


class _Zstandard:
    def __init__(self) -> None:
        self._stream = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()

    def decode(self, data: bytes, limit: int) -> bytes:
        try:
            return self._bounded(data, limit)
        except zstandard.ZstdError as error:
            raise Unreadable(f"broken zstd body: {error}") from error

    def _bounded(self, data: bytes, limit: int) -> bytes:
        """Feed small pieces: this decoder has no bound of its own on what one piece yields."""
        out = bytearray()
        for start in range(0, len(data), _PIECE):
            out += self._stream.decompress(data[start : start + _PIECE])
            if len(out) > limit:
                break
        return bytes(out)


_PIECE = 1024

_DECODERS: dict[str, Callable[[], Decoder]] = {
    "": _Identity,
    "identity": _Identity,
    "gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "x-gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS),
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
    """Return the decoded body: the same object for an identity encoding.

    Raises TooLarge above *limit* bytes, Unreadable for a broken body.
    """
    stream = decoder(encoding)
    plain = body if isinstance(stream, _Identity) else stream.decode(body, limit)
    if len(plain) > limit:
        raise TooLarge(f"more than {limit:,} bytes after decoding")
    return plain
