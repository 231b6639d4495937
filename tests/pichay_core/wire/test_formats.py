"""Every wire format provides what the protocol names, and says the same of one conversation."""

import pytest

from pichay_core.request import read_messages
from pichay_core.wire.format import Format
from pichay_core.wire.formats import FORMATS
from tests.expressed import WIRES, calls, results, says, user

NAMES = {name for name in (*Format.__annotations__, *vars(Format)) if not name.startswith("_")}

TALK = [
    user("Read both files."),
    calls(
        ("call_1", "Read", {"file_path": "a.py"}),
        ("call_2", "Read", {"file_path": "b.py"}),
        text="I look.",
    ),
    results(("call_1", "print(1)\n" * 9), ("call_2", "naïve \U0001f600\n")),
    calls(("call_3", "Bash", {"command": "make"})),
    results(("call_3", "done")),
    says("Both print."),
    user("Thank you."),
]


@pytest.mark.parametrize("format", FORMATS.values(), ids=list(FORMATS))
def test_every_format_provides_what_the_protocol_names(format):
    assert not {name for name in NAMES if not hasattr(format, name)}


def read(name, said):
    format = FORMATS[name]
    return read_messages(format, format.outline(WIRES[name](said)))


@pytest.mark.parametrize("name", FORMATS)
def test_one_conversation_reads_the_same_on_every_wire(name):
    expected, found = read("anthropic", TALK), read(name, TALK)
    assert [one.role for one in found] == [one.role for one in expected]
    assert [one.calls for one in found] == [one.calls for one in expected]
    assert [one.results for one in found] == [one.results for one in expected]
    assert [one.text for one in found] == [one.text for one in expected]
