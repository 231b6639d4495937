"""Which client talks, and where it works."""

import json

import pytest

from pichay_core.birth.project import LONGEST_NAME, client_of, project_of
from pichay_core.wire.anthropic import read


def dumped(value):
    return json.dumps(value).encode()


def said(*messages):
    return [read(dumped({"role": role, "content": content})) for role, content in messages]


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("claude-cli/2.1.329 (external, sdk-cli)", "claude-cli"),
        ("Anthropic/Python 2.11.0", "Anthropic"),
        ("opencode/1.18.33 ai-sdk/5", "opencode"),
        ("curl", "curl"),
        ("", ""),
        ("  ", ""),
        ("\x00\x01/1", ""),
        ("x" * 500, "x" * LONGEST_NAME),
    ],
)
def test_a_client_is_named_by_its_product_without_the_version(agent, name):
    assert client_of(agent) == name


@pytest.mark.parametrize(
    "text",
    [
        "# Environment\n - Primary working directory: /home/a/shop\n - Is a git repository: true",
        "<env>\nWorking directory: /home/a/shop\nIs directory a git repo: Yes\n</env>",
        "<environment_context>\n  <cwd>/home/a/shop</cwd>\n</environment_context>",
        "I'm currently working in the directory: /home/a/shop\nHere is the tree",
        "# Current Working Directory (/home/a/shop) Files\nREADME.md",
        "Current working directory: /home/a/shop",
        "The current working directory is: /home/a/shop.",
        "cwd: /home/a/shop\nos: linux",
        "Your working directory is: `/home/a/shop`, and you stay in it.",
    ],
)
def test_the_project_is_where_the_client_says_that_it_works(text):
    assert project_of(dumped(text), []) == "/home/a/shop"
    assert project_of(None, said(("user", text))) == "/home/a/shop"
    assert project_of(dumped([{"type": "text", "text": text}]), []) == "/home/a/shop"


PATHS = [r"C:\Users\a b\shop", "~/shop", "/home/a b/sh-op_2", "/ä/é", "/a (copy)/b", "/o'b/c"]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_may_have_blanks_and_be_of_any_system(path):
    assert project_of(None, said(("user", f"Working directory: {path}\nmore"))) == path


def test_newer_models_are_told_of_it_in_a_system_message():
    talk = said(("user", "Fix it."), ("system", [{"type": "text", "text": "<cwd>/a</cwd>"}]))
    assert project_of(dumped("You help."), talk) == "/a"


def test_the_surest_saying_wins_wherever_it_stands():
    talk = said(("user", "Primary working directory: /mine"))
    assert project_of(dumped("Say it like `cwd: /example`."), talk) == "/mine"


@pytest.mark.parametrize(
    "text", ["", "Fix it.", "cwd: unknown", "the working directory is important", "cwd:\n/a"]
)
def test_who_names_no_directory_has_no_project(text):
    assert project_of(dumped(text), said(("user", text))) == ""


def test_what_comes_after_the_first_reply_says_nothing():
    talk = said(("user", "Hi."), ("assistant", "Hello."), ("user", "cwd: /late"))
    assert project_of(None, talk) == ""
