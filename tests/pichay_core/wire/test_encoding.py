import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.wire.encoding import TooLarge, decoded, decoder
from pichay_core.wire.jsontext import Unreadable
from tests.strategies import cuts, law

LIMIT = 1_000_000
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
BODY = b'{"messages":[' + b'{"role":"user","content":"hello"},' * 50 + b"{}]}"
each_encoding = pytest.mark.parametrize("encoding", ENCODERS)
bodies = st.one_of(st.binary(max_size=300), st.binary(max_size=20).map(lambda part: part * 500))


def test_without_an_encoding_the_body_is_the_very_same_object():
    assert decoded(BODY, "", LIMIT) is BODY
    assert decoded(BODY, " Identity ", LIMIT) is BODY


@given(bodies)
@law
def test_what_was_encoded_is_decoded_whole(body):
    for encoding, encode in ENCODERS.items():
        assert decoded(encode(body), encoding, LIMIT) == body


@given(bodies, st.data())
@law
def test_a_stream_is_decoded_wherever_its_pieces_were_cut(body, data):
    for encoding, encode in ENCODERS.items():
        stream = decoder(encoding)
        pieces = data.draw(cuts(encode(body)))
        assert b"".join(stream.decode(piece, LIMIT) for piece in pieces) == body
        assert stream.complete()


@given(bodies, st.data())
@law
def test_a_body_cut_short_is_unreadable(body, data):
    for encoding, encode in ENCODERS.items():
        whole = encode(body)
        with pytest.raises(Unreadable):
            decoded(whole[: data.draw(st.integers(0, len(whole) - 1))], encoding, LIMIT)


@given(st.binary(max_size=60))
@law
def test_arbitrary_bytes_are_unreadable_and_never_another_error(data):
    for encoding in ENCODERS:
        try:
            decoded(data, encoding, LIMIT)
        except Unreadable:
            continue


@given(bodies, st.data())
@law
def test_a_damaged_body_is_unreadable_or_decoded_within_the_bound(body, data):
    for encoding, encode in ENCODERS.items():
        damaged = bytearray(encode(body))
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
        try:
            assert len(decoded(bytes(damaged), encoding, LIMIT)) <= LIMIT
        except Unreadable:
            continue


@each_encoding
def test_the_bound_is_the_greatest_length_that_passes(encoding):
    body = ENCODERS[encoding](BODY)
    assert decoded(body, encoding, len(BODY)) == BODY
    with pytest.raises(TooLarge):
        decoded(body, encoding, len(BODY) - 1)


def test_the_bound_holds_for_a_body_without_an_encoding():
    assert decoded(BODY, "", len(BODY)) is BODY
    with pytest.raises(TooLarge):
        decoded(BODY, "", len(BODY) - 1)


@each_encoding
@pytest.mark.parametrize("tail", [b"{}", b"\x00", b"\x00" * 512, b"\x1f\x8b", b"\n"])
def test_something_behind_the_end_is_unreadable_and_not_cut_off(encoding, tail):
    with pytest.raises(Unreadable):
        decoded(ENCODERS[encoding](BODY) + tail, encoding, LIMIT)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_members_that_follow_each_other_are_one_body(encoding):
    encode = ENCODERS[encoding]
    joined = encode(BODY[:9]) + encode(b"") + encode(BODY[9:])
    assert decoded(joined, encoding, LIMIT) == BODY
    with pytest.raises(Unreadable):
        decoded(joined[:-1], encoding, LIMIT)


@pytest.mark.parametrize("encoding", ["deflate", "br"])
def test_an_encoding_that_knows_no_members_has_but_one(encoding):
    encode = ENCODERS[encoding]
    with pytest.raises(Unreadable):
        decoded(encode(BODY) + encode(BODY), encoding, LIMIT)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_of_countless_empty_members_is_refused(encoding):
    with pytest.raises(Unreadable):
        decoded(ENCODERS[encoding](b"") * 100_000, encoding, LIMIT)


def test_a_skippable_frame_of_zstandard_adds_nothing():
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    frame = ENCODERS["zstd"](BODY)
    assert decoded(skippable + frame + skippable, "zstd", LIMIT) == BODY


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_refused_without_being_unpacked(encoding):
    plain = bytes(64_000_000)
    fast = {
        "gzip": lambda: gzip.compress(plain, 1),
        "deflate": lambda: zlib.compress(plain, 1),
        "br": lambda: brotli.compress(plain, quality=1),
        "zstd": lambda: ENCODERS["zstd"](plain),
    }
    bomb = fast[encoding]()
    tracemalloc.start()
    with pytest.raises(TooLarge):
        decoded(bomb, encoding, LIMIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * LIMIT


@pytest.mark.parametrize("encoding", ["compress", "gzip, br", "snappy", "aws-chunked"])
def test_an_encoding_that_nobody_knows_is_unreadable(encoding):
    with pytest.raises(Unreadable, match="not known"):
        decoded(BODY, encoding, LIMIT)


def test_a_window_larger_than_memory_allows_is_refused():
    parameters = zstandard.ZstdCompressionParameters(window_log=28)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = stream.compress(BODY) + stream.flush()
    with pytest.raises(Unreadable):
        decoded(body, "zstd", LIMIT)
