"""What is told is what there is: verbs, options, words, links."""

import re
from pathlib import Path

import click
import pytest
from docs_parts.pages import written

from pichay_cli import VERBS, main
from pichay_core.policies import POLICIES
from pichay_core.schedule import SCHEDULES

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
TOLD = "\n".join(page.read_text("utf-8") for page in PAGES)
LINKED = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "pichay_core" / "DESIGN.md",
          ROOT / "scripts" / "README.md"]  # fmt: skip


def commands():
    context = click.Context(main)
    return {name: main.get_command(context, name) for name in VERBS}


@pytest.mark.parametrize("name", VERBS)
def test_the_readme_names_every_verb(name):
    assert re.search(rf"^\| .*`pichay {name}[ `]", README.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("name", VERBS)
def test_every_option_of_every_verb_is_told_of(name):
    command = commands()[name]
    options = [o for o in command.params if isinstance(o, click.Option) and not o.hidden]
    spelled = {max(option.opts, key=len) for option in options}
    assert {one for one in spelled if not re.search(rf"{one}\b", TOLD)} == set()


def test_what_the_code_says_itself_stands_there_as_it_says_it_now():
    """`scripts/docs` writes it."""
    for name, text in written(ROOT / "docs").items():
        assert (ROOT / "docs" / name).read_text("utf-8") == text, name


@pytest.mark.parametrize("name", [*POLICIES, *SCHEDULES])
def test_every_policy_and_schedule_is_told_of(name):
    assert re.search(rf"`{name}`", TOLD)


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_what_is_linked_to_is_there(page):
    for text, to in re.findall(r"\[([^\]]*)\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if "://" in to:
            continue
        name, _, anchor = to.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{page.name}: [{text}]({to})"
        assert not anchor or anchor in anchors(target), f"{page.name}: [{text}]({to})"


def anchors(page):
    """The names of a page's headings, as a forge makes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_page_of_the_docs_is_reached_from_the_readme():
    linked = set(re.findall(r"\]\(docs/([\w.]+)\)", README.read_text("utf-8")))
    assert {page.name for page in PAGES[1:]} <= linked
