"""The report on a screen, and its page: what stands in it, and that nothing breaks out of it."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib import util
from pathlib import Path

import pytest
from click.testing import CliRunner

from pichay_cli import main
from pichay_cli.recording import NOTHING_YET
from pichay_cli.report.advice import advice
from pichay_cli.report.drawn import safe
from pichay_cli.report.page import page
from pichay_cli.report.text import drawing
from pichay_core.store.closeup import PARTS
from pichay_core.store.report import report
from pichay_core.store.suggestions import Finding, Suggestion
from tests.pichay_cli.builders import NOW, Recording, held, losing, older, paged
from tests.pichay_cli.screens import text

BREAKING = "</script></title></style><img src=x onerror=alert(1)>\"'&\x1b[31m\ud800"
VOID = {"meta", "link", "img", "br", "input"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pichay.db"


def seen(path, name="a" * 32, requests=6):
    """A session of which everything was recorded, in a page that thrashed."""
    made = Recording(path)
    one = made.session(name, turn=requests, requests=requests, model="claude-sonnet-4-5")
    for request in range(1, requests + 1):
        read = 9_000 * request
        made.turn(
            one, request, (10, read, 500, 50), (10, 2 * read, 500, 50), (0.1, 0.2),
            **{f"{part}_tokens": 10 * at for at, part in enumerate(PARTS, 1)},
            flushed="batch" if request == 3 else None, window_limit=200_000,
            working_tokens=4_000, pinned_tokens=900, resident_tokens=5_000,
            working_curve=json.dumps({"1": 100, "16": 4_000, "128": 9_000}),
        )  # fmt: skip
    made.page(one, "p1", "src/app.py", faults=2)
    made.event(one, 3, "evicted", "p1", 9_000)
    made.event(one, 4, "faulted", "p1", 9_000, "refetch")
    made.event(one, 4, "pinned", "p1")
    made.db["episodes"].insert({
        "session": one, "start": 3, "noticed": 4, "ended": None, "request": 4, "at": NOW - 560,
        "ended_at": None, "faults": 3, "tokens": 27_000, "bounced": 1,
        "pages": json.dumps({"p1": 3}), "tau": 8, "pins": 2, "held": 1, "cost_tokens": 30_000.0,
        "dollars": 0.09,
    })  # fmt: skip
    return made


def hostile(path):
    """A recording in which every text that a stranger chooses tries to break out."""
    made = seen(path)
    bad = BREAKING.replace("\ud800", "")
    made.session("b" * 32, model=bad, client=bad, frozen=bad, turn=1, requests=1)
    made.turn("b" * 32, 1, (10, 0, 50, 5), model=bad, flushed=bad, outcome="observed", why=bad)
    made.page("b" * 32, "p1", bad, tool=bad, key_target=bad)
    made.event("b" * 32, 1, "faulted", "p1", 10, bad)
    made.event(None, None, "failed", why=bad, at=NOW - 60)
    made.event(None, None, "tls_failed", host=bad, at=NOW - 60)
    made.db["pages"].update(("a" * 32, "p1"), {"label": bad, "tool": bad})
    return made


class Reader(HTMLParser):
    """What elements a page has, that each is closed, and the text in them."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.text = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def read(made):
    return Reader(page(report(made.db, also=("file",)), NOW))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The page of a session of which everything was recorded."""
    return read(seen(tmp_path_factory.mktemp("page") / "db"))


def test_every_element_is_closed_and_no_name_is_given_twice(whole):
    assert whole.open == []
    names = [attributes["id"] for _, attributes in whole.elements if "id" in attributes]
    assert len(names) == len({*names})
    told = [a["aria-labelledby"] for _, a in whole.elements if "aria-labelledby" in a]
    assert {*told} <= {*names}


def test_the_page_asks_nobody_for_anything(whole):
    asking = {"src", "srcset", "action", "xlink:href", "background", "poster", "data"}
    assert [a for _, a in whole.elements if asking & a.keys()] == []
    assert [a["href"] for _, a in whole.elements if "href" in a] == ["data:,"]
    assert {tag for tag, _ in whole.elements} & {
        "iframe",
        "object",
        "embed",
        "img",
        "base",
    } == set()
    styles = "".join(whole.text)
    assert re.findall(r"@import|https?://(?!www\.w3\.org)", styles) == []


def test_only_its_own_script_may_run(path):
    html = page(report(hostile(path).db), NOW)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = (a["content"] for a in Reader(html).all("meta") if "http-equiv" in a)
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_no_text_of_a_recording_breaks_out(path, whole):
    found = read(hostile(path))
    tags = {tag for tag, _ in whole.elements}
    assert {tag for tag, _ in found.elements} == tags
    assert found.open == []
    assert not any(name.startswith("on") for _, a in found.elements for name in a)
    assert "onerror=alert(1)" in "".join(found.text)


def test_every_chart_says_in_words_what_it_shows_and_has_a_table_behind_it(whole):
    charts = [a for _, a in whole.elements if a.get("role") == "img"]
    assert len(charts) == 5
    assert all(a["aria-label"] for a in charts)
    assert len(whole.all("svg")) == 9  # all but one in two widths
    assert {a.get("aria-hidden") for a in whole.all("svg")} == {"true"}
    assert "".join(whole.text).count("As a table") == 2


def test_each_kind_each_band_and_each_strip_is_in_its_colour(whole):
    fills = {a.get("fill") for tag, a in whole.elements if tag == "path"}
    assert {f"var(--{name})" for name in (*PARTS, "band", "evicted", "refetch", "pinned")} <= fills


def test_what_is_pointed_at_says_what_it_is(whole):
    said = [a["data-said"] for a in whole.all("path") if "data-said" in a]
    assert any(one.startswith("request 4, turn 4\nwindow 36.5k\nuntouched 72.5k") for one in said)
    assert "request 4\n1 refetch, 9.0k tokens" in said
    assert "request 3\nflush: batch" in said


def test_an_episode_is_told_with_its_cost(whole):
    assert "Thrash in requests 3 to 6: 3 refetches, $0.09." in "".join(whole.text)


def test_a_loss_is_told_as_plainly_as_a_saving(path):
    found = "".join(read(losing(path)).text)
    assert "MORE than without" in found
    assert "+$0.22" in found


@pytest.mark.parametrize("recording", [paged, losing, held])
def test_every_recording_has_a_page(path, recording):
    assert read(recording(path)).open == []


def test_an_old_recording_says_what_it_does_not_hold(path):
    older(path)
    result = run("--html", path.parent / "page.html", "--database", path)
    assert result.exit_code == 0
    assert "What stood in the windows was not recorded." in (path.parent / "page.html").read_text()


def test_the_page_of_many_sessions_is_small(path):
    made = seen(path, requests=1)
    for number in range(60):
        made.session(f"{number:032}", turn=200, requests=200)
    columns = ", ".join(
        {"session": "sessions.id", "request": "n", "turn": "n"}.get(name, f"turns.{name}")
        for name in made.db["turns"].columns_dict
    )
    made.db.execute(
        f"""insert into turns with numbers(n) as (select 2 union all select n + 1 from numbers
        where n < 200) select {columns} from turns, numbers, sessions where request = 1"""
    )
    found = report(made.db)
    assert found.net.settled > 12_000
    assert len(page(found, NOW).encode()) < 3_000_000


def test_a_chart_may_hold_nothing_but_shapes_and_text():
    for inside in ("<script>1</script>", "<image/>", "<foreignObject/>", "<a/>", "<style/>"):
        with pytest.raises(ValueError, match="must not hold"):
            safe(f'<svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>', "x")


def test_what_a_chart_refers_to_is_its_own():
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" onload="x"><defs><clipPath id="clip0">'
        '<rect width="9.123456"/></clipPath></defs><g clip-path="url(#clip0)"><text>a</text></g>'
        "</svg>"
    )
    found = safe(svg, "cost")
    assert 'id="cost-clip0"' in found
    assert 'clip-path="url(#cost-clip0)"' in found
    assert 'width="9.1"' in found
    assert "onload" not in found


def run(*arguments):
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_without_the_libraries_it_says_what_to_install(path, monkeypatch):
    paged(path)
    monkeypatch.setattr("pichay_cli.report.drawn.find_spec", lambda _: None)
    result = run("--html", path.parent / "page.html", "--database", path)
    assert result.exit_code == 1
    assert "pip install 'pichay[report]'" in result.output
    assert run("--database", path).exit_code == 0


def test_the_screen_needs_no_library_of_the_page(path, monkeypatch):
    assert util.find_spec("vl_convert")
    paged(path)
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    assert run("--database", path).exit_code == 0


def test_a_folder_that_is_not_there_is_said_before_the_work(path):
    paged(path)
    result = run("--html", path.parent / "no" / "page.html", "--database", path)
    assert result.exit_code == 2
    assert "there is no folder" in result.output


def test_one_session_may_be_asked_for(path):
    paged(path)
    found = path.parent / "page.html"
    assert run("--html", found, "--session", "3f2a", "--database", path).exit_code == 0
    html = found.read_text()
    assert "session 3f2a0000" in html
    assert "77b10000" not in html


def test_with_nothing_recorded_it_says_how_to_begin(tmp_path, monkeypatch):
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path))
    result = run()
    assert result.exit_code == 1
    assert NOTHING_YET in result.output


@pytest.mark.parametrize("finding", Finding)
def test_every_finding_has_words_and_something_to_do(finding):
    said = advice(Suggestion(finding, 3, "batch", ("one",), 1.5, 2_000.0))
    assert (said.amount, said.names) == ("$1.50", "one")
    assert said.found.startswith(("3 ", "The price of 3 "))
    assert said.found.endswith(".")
    assert said.todo.endswith(".")


SCREENS = Path(__file__).parent / "report_screens"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_screen_is_exactly_this(path, width):
    shown = text(drawing(report(seen(path).db, closely=0), NOW), width)
    assert shown == (SCREENS / f"{width}.txt").read_text()


def test_the_course_on_screen_ends_with_all_that_was_spent(path):
    made = Recording(path)
    session = made.session()
    for request in range(1, 49):
        made.turn(session, request, (10, 0, 0, 1), (10, 0, 0, 1), (0.01, 0.01))
    made.turn(session, 49, (10, 0, 0, 1), (10, 0, 0, 1), (10.0, 20.0))
    shown = text(drawing(report(made.db, closely=0), NOW))
    course = re.findall(r"^(with\w*) +[▁-█]*([▁-█])  (\S+)$", shown, re.MULTILINE)
    assert course == [("without", "▇", "$20.48"), ("with", "▄", "$10.48")]


def test_without_a_price_the_sessions_that_sent_most_stand_first(path):
    made = Recording(path)
    for number, sent in enumerate((100, 900, 500)):
        made.turn(made.session(f"{number}" * 32), 1, (sent, 0, 0, 1), (sent, 0, 0, 1))
    shown = text(drawing(report(made.db, closely=0), NOW))
    listed = re.findall(r"^(0{8}|1{8}|2{8})  main", shown, re.MULTILINE)
    assert listed == ["1" * 8, "2" * 8, "0" * 8]


def test_the_amount_of_what_was_only_observed_is_said_to_be_a_bill():
    said = advice(Suggestion(Finding.OBSERVED, 3, dollars=1.5))
    assert said.found.endswith(" The amount is their whole bill, not a loss.")
    assert "bill" not in advice(Suggestion(Finding.OBSERVED, 3)).found


def test_a_big_recording_says_which_tables_it_leaves_out(path, monkeypatch):
    made, said = seen(path), "Not divided by file: the recording has over 100,000 pages."
    assert said not in "".join(read(made).text)
    monkeypatch.setattr("pichay_core.store.report.BIG", 0)
    assert said in "".join(read(made).text)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("recording", [paged, losing, held, seen])
def test_the_screen_fits(path, recording, width):
    recording(path)
    rows = text(drawing(report(Recording(path).db, closely=0), NOW), width).splitlines()
    assert max(map(len, rows)) <= width
