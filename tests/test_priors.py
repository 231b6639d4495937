"""``scripts/priors``, on a recording whose references can be counted by hand."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pichay_core.model import Kind
from pichay_core.policies import priors
from pichay_core.policies.references import Standing
from tests.builders import Talk

SCRIPTS = Path(__file__).parent.parent / "scripts"
TALK = Talk().read("a.py").read("b.py").edit("a.py").read("b.py")


@pytest.fixture
def parts(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import priors_parts.__main__ as command

    return command


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "talk.json"
    path.write_text(json.dumps({"messages": TALK.messages}))
    return path


def table(source):
    found = {}
    exec(source, found)
    return found


def test_page_turns_and_references_are_counted_by_standing_and_age(parts, recording):
    (counts,) = parts.counts_of(recording)
    whole, edited = Standing.WHOLE, Standing.EDITED
    assert counts.turns == {(whole, 0): 2, (whole, 1): 2, (edited, 0): 1}
    assert +counts.references == {(whole, 1): 2}


def test_the_command_prints_the_rates_as_a_module(parts, recording):
    path = os.pathsep.join([str(SCRIPTS), *sys.path])
    done = subprocess.run(
        [sys.executable, "-m", "priors_parts", recording, "--jobs", "1"],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == parts.source(parts.counts_of(recording))
    rates = table(done.stdout)["RATES"]
    assert rates[Standing.WHOLE][:2] == (0.75, 0.75)
    assert rates[Standing.EDITED][0] == 0.5


def test_a_file_that_is_no_recording_is_named_and_skipped(parts, tmp_path):
    (tmp_path / "odd.json").write_text("{")
    assert "odd.json" in parts.counts_of(tmp_path / "odd.json")


def test_rates_never_rise_with_age(parts, recording):
    for rates in table(parts.source(parts.counts_of(recording)))["RATES"].values():
        assert list(rates) == sorted(rates, reverse=True)


def test_what_is_shipped_is_what_the_command_prints(parts):
    shipped = Path(priors.__file__).read_text()
    (line,) = [line for line in shipped.splitlines() if line.startswith("Counted: ")]
    counted = (int(n.replace(",", "")) for n in re.findall(r"[\d,]*\d", line))
    assert shipped == parts.module(priors.RATES, priors.WEIGHTS, tuple(counted))
    assert priors.AGES == parts.AGES
    assert priors.RATES.keys() == set(Standing)
    assert priors.WEIGHTS.keys() == {Kind.QUERY, Kind.READ}
    assert all(len(rates) == len(priors.AGES) for rates in priors.RATES.values())
