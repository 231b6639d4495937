"""What the model is told of paging."""

import hashlib
import re

from pichay_core.birth.protocol import PROTOCOL
from pichay_core.stubs import handle_of, stub
from pichay_core.tokens import tokens_of_bytes
from tests.builders import page, read_call


def test_it_is_the_same_text_for_ever():
    """Whoever changes it makes every running conversation pay for its whole prefix again."""
    assert hashlib.blake2b(PROTOCOL.encode(), digest_size=8).hexdigest() == "fbb2244abffa3b92"


def test_it_shows_neither_a_note_nor_a_handle():
    seen = page("a", read_call("a.py"))
    handle = handle_of(seen.id, bytes(16))
    assert re.search(r"\b[A-Z2-7]{8}\b", PROTOCOL) is None
    assert "[" not in PROTOCOL
    assert not set(stub(seen, handle).split(". ")) & set(PROTOCOL.split(". "))


def test_it_is_cheap():
    assert tokens_of_bytes(len(PROTOCOL.encode()), "claude-opus-4-5") < 150
