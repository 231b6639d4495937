from dataclasses import replace

from pichay_cli.demo.screen import Outcome, outcome, show_live, summary
from pichay_core.store.schema import open_for_writing

SHOWN = Outcome(
    requests=46,
    legs=1,
    evictions=15,
    collections=1,
    flushes=2,
    faults={"recall": 1, "refetch": 1, "widen": 2},
    pins=1,
    releases=1,
    tokens=900_000,
    untouched_tokens=1_800_000,
    dollars=0.6,
    untouched_dollars=0.8,
)


def filled(path):
    """A database with two turns and five events."""
    db = open_for_writing(path)
    db.execute("pragma foreign_keys = off")
    for request in (1, 2):
        row = dict.fromkeys((c.name for c in db["turns"].columns if c.notnull), 0) | {
            "session": "s",
            "request": request,
            "input_tokens": 1,
            "cache_read_tokens": 10,
            "cache_write_5m_tokens": 100,
            "cache_write_1h_tokens": 1000,
            "output_tokens": 10_000,
            "untouched_input_tokens": 2,
            "untouched_cache_read_tokens": 20,
            "untouched_cache_write_tokens": 200,
            "untouched_output_tokens": 20_000,
            "dollars": 0.25,
            "untouched_dollars": 0.5,
        }
        db["turns"].insert(row)
    for kind, why in (
        ("evicted", None),
        ("collected", "ephemeral"),
        ("faulted", "refetch"),
        ("faulted", "refetch"),
        ("pinned", None),
    ):
        db["events"].insert({"at": 0.0, "kind": kind, "why": why, "detail": "{}"})
    db.close()
    return path


def test_the_outcome_is_what_the_database_holds(tmp_path):
    assert outcome(filled(tmp_path / "pichay.db")) == Outcome(
        requests=2,
        evictions=1,
        collections=1,
        flushes=0,
        faults={"refetch": 2},
        pins=1,
        tokens=22_222,
        untouched_tokens=40_444,
        dollars=0.5,
        untouched_dollars=1.0,
    )


def test_of_an_empty_database_everything_is_missing(tmp_path):
    open_for_writing(tmp_path / "pichay.db").close()
    assert len(outcome(tmp_path / "pichay.db").missing()) == 8


def test_what_was_not_shown_is_named():
    assert SHOWN.missing() == ()
    assert replace(SHOWN, faults={"widen": 2}).missing() == ("a refetch fault", "a recall")
    assert replace(SHOWN, dollars=0.9).missing() == ("money saved, net",)


def test_the_summary_leads_with_the_net_figures_and_labels_them_as_an_estimate():
    assert summary(SHOWN) == (
        "net saving   900,000 tokens (50%): 900,000 instead of 1,800,000\n"
        "(estimate)   $0.200 (25%): $0.600 instead of $0.800\n"
        "moved out    15 evicted, 1 collected, in 2 flushes over 46 requests\n"
        "came back    1 recall, 1 refetch, 2 widen\n"
        "pins         1 set\n"
        "the model    brought 1 page back (in 1 request unseen by the agent), let 1 go"
    )


def test_the_summary_fits_a_terminal_of_eighty_columns_and_leaves_out_what_was_not():
    thrashed = replace(
        SHOWN,
        tokens=24_563_063,
        untouched_tokens=97_806_639,
        faults={"refetch": 172},
        legs=0,
        releases=0,
        episodes=22,
    )
    assert all(len(line) < 80 for line in summary(thrashed).splitlines())
    assert "the model" not in summary(thrashed) and summary(thrashed).endswith("22 episodes")


def test_a_run_that_lost_says_so():
    assert "net saving   -100,000 tokens (-6%)" in summary(replace(SHOWN, tokens=1_900_000))


def test_the_screen_ends_when_it_is_told_to(tmp_path):
    answers = iter((False, False, True))
    show_live(tmp_path / "none.db", lambda: next(answers))
    assert next(answers, None) is None
