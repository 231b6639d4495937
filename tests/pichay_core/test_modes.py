"""The tables of modes: what the docs say is what the code does."""

import re
from pathlib import Path

import pytest

from pichay_core.modes import AUTO, FORMER, MODES, USUAL, Mode, no_mode, usual_mode

SECTION = (Path(__file__).parents[2] / "docs" / "modes.md").read_text("utf-8").partition("\n## ")[0]
YES = {False: "no", True: "yes"}
SERVER = {"never": "no", "binding": "binding models", "always": "yes"}
CREDENTIALS = {
    "API key": "api key",
    "other bearer token": "bearer",
    "none": "none",
    "subscription": "subscription",
    "subscription, with `--allow-subscription`": "subscription, allowed",
    "signed body": "signed",
}
BINDING, FREE = "claude-opus-5-5", "claude-sonnet-4-5"


def tables(text: str) -> list[list[list[str]]]:
    """The rows of each table, without its head."""
    found = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    return [
        [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]
        for table in found
    ]


def row_of(mode: Mode) -> list[str]:
    evicts = YES[mode.evicts] if mode.edits else "decided and recorded only"
    return [YES[mode.definitions], YES[mode.births], evicts, SERVER[mode.server]]


def test_the_readme_shows_every_mode_with_its_mechanisms():
    mechanisms, _ = tables(SECTION)
    assert mechanisms == [[f"`{name}`", *row_of(mode)] for name, mode in MODES.items()]


def test_the_readme_shows_the_usual_mode_of_every_credential_and_family():
    _, usual = tables(SECTION)
    shown = {CREDENTIALS[who]: (binding, free) for who, binding, free in usual}
    assert shown == {
        who: (f"`{USUAL[who, 'binding']}`", f"`{USUAL[who, 'free']}`") for who, _ in USUAL
    }


@pytest.mark.parametrize("who", sorted({who for who, _ in USUAL}))
def test_the_usual_mode_is_the_one_of_the_table(who):
    assert usual_mode(who, BINDING) == USUAL[who, "binding"]
    assert usual_mode(who, FREE) == USUAL[who, "free"]


def test_of_a_credential_nobody_knows_requests_are_only_observed():
    assert usual_mode("of tomorrow", FREE) == "observe"


@pytest.mark.parametrize(
    ("name", "binding", "free"),
    [
        ("observe", False, False),
        ("birth", False, False),
        ("page", False, False),
        ("server", True, True),
        ("full", True, False),
    ],
)
def test_the_provider_is_asked_where_the_mode_says_so(name, binding, free):
    assert MODES[name].asks_provider(BINDING) is binding
    assert MODES[name].asks_provider(FREE) is free


def test_a_former_name_is_answered_with_the_one_it_has_now():
    for former, now in FORMER.items():
        assert former not in MODES
        assert repr(now) in no_mode(former)
        assert now in MODES
    assert AUTO in no_mode("off")
    assert all(name in no_mode("off") for name in MODES)
