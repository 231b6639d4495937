"""What is told is what there is: verbs, options, words, links."""

import re
import shlex
import tomllib
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from docs_parts.pages import written
from mitmproxy.addonmanager import Loader
from mitmproxy.optmanager import OptManager

from pichay_cli import VERBS, main
from pichay_core.policies import POLICIES
from pichay_core.schedule import SCHEDULES
from pichay_proxy.options import add_options
from tests.recorded import demo

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


def test_what_the_code_says_itself_stands_there_as_it_says_it_now(tmp_path):
    """`scripts/docs` writes it."""
    demo(tmp_path / "pichay.db").conn.close()
    for name, text in written(ROOT / "docs", tmp_path / "pichay.db").items():
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


CONTROLLED = OptManager()
add_options(Loader(SimpleNamespace(options=CONTROLLED)))
OURS = {name: one.default for name, one in CONTROLLED.items() if name.startswith("pichay_")}


def test_the_page_of_options_has_every_option_with_its_default():
    page = (ROOT / "docs" / "options.md").read_text("utf-8").partition("\n## ")[0]
    told = dict(re.findall(r"^\| `(pichay_\w+)` \| ([^|]+) \|", page, re.MULTILINE))
    said = {"pichay_database": "`~/.pichay/pichay.db`", "pichay_hosts": "none"}
    assert told == {name: said.get(name, as_told(value)) for name, value in OURS.items()}


def as_told(value):
    return f"`{value}`" if isinstance(value, str) else str(value).lower()


@pytest.mark.parametrize("verb", ["run", "proxy"])
def test_every_option_of_the_addon_is_one_of_the_verbs_that_start_it(verb):
    spelled = {name for option in commands()[verb].params for name in option.opts}
    names = {"pichay_hosts": "--host"}
    wanted = {names.get(one, f"--{one[7:].replace('_', '-')}") for one in OURS}
    assert wanted <= spelled


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_what_is_to_be_installed_for_more_can_be():
    """Also in what the code itself says."""
    code = [*(ROOT / "cli").rglob("*.py"), *(ROOT / "addon").rglob("*.py")]
    said = TOLD + "".join(file.read_text("utf-8") for file in code)
    extras = set(re.findall(r"pichay\[(\w+)\]", said))
    assert extras and extras <= PROJECT["optional-dependencies"].keys()


def lines_of_a_shell():
    """Every call of a verb that a page shows, with its words, by where it stands."""
    for page in PAGES:
        text = page.read_text("utf-8")
        shown = re.findall(r"^ {4}(?:\./scripts/)?pichay (.*)$", text, re.MULTILINE)
        quoted = re.findall(r"`(?:\./scripts/)?pichay ([^`]+)`", text)
        for line in (*shown, *quoted):
            yield pytest.param(line, id=f"{page.stem}: {line[:40]}")


@pytest.mark.parametrize("line", lines_of_a_shell())
def test_a_call_that_is_shown_is_one_that_is_understood(line, monkeypatch, tmp_path):
    """By click, with its placeholders; nothing is started."""
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path))
    verb, *words = shlex.split(line.partition(" > ")[0], comments=True)
    if verb in ("VERB", "--help"):
        return
    unfinished = (click.MissingParameter, click.BadOptionUsage)  # `pichay show`, in a sentence
    with suppress(*unfinished), commands()[verb].make_context(verb, [*words]):
        pass
