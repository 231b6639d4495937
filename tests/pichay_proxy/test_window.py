"""What of a request's surroundings reaches the schedule: the client's betas, the user's prices."""

import subprocess
import sys

import pytest

from pichay_core.prices import parse
from tests.builders import KEY, Proxy, Talk, prose, rules

LONG = {**KEY, "anthropic-beta": "context-management-2025-06-27, context-1m-2025-08-07"}
OTHER = {**KEY, "anthropic-beta": "context-management-2025-06-27"}
SUBSCRIPTION = {"authorization": "Bearer sk-ant-oat01-x"}
OWN = parse("""{"claude-sonnet-*": {
    "input": 1, "output": 1, "cache_read": 0.1, "cache_write_5m": 1.25, "cache_write_1h": 2,
    "bands": [{"above_tokens": 30000, "input": 9, "output": 9,
               "cache_read": 0.9, "cache_write_5m": 11.25, "cache_write_1h": 18}]}}""")


def reasons(proxy: Proxy, files: int, headers=KEY) -> list[str]:
    talk = Talk()
    for number in range(files):
        talk.read(f"{number}.py", prose(f"{number}.py", 24_000))
        proxy.send(talk, headers)
    return [turn.flushed for turn in proxy.turns if turn.flushed]


@pytest.mark.parametrize(("headers", "full"), [(KEY, True), (OTHER, True), (LONG, False)])
def test_who_asks_for_the_long_window_has_one_that_is_not_full(headers, full):
    assert bool(reasons(Proxy(rules("pressure", tau=1)), 14, headers)) is full


@pytest.mark.parametrize("headers", [KEY, SUBSCRIPTION])
def test_the_users_own_prices_decide_in_live_traffic_also_where_it_is_observed(headers):
    given = rules("pressure", tau=1)
    assert reasons(Proxy(given, prices=OWN), 7, headers) == ["surcharge", "surcharge"]
    assert reasons(Proxy(given), 7, headers) == []


READY = """
import sys
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.test import taddons
from pichay_proxy import addon as module

def ready():
    return "genai_prices.data_snapshot" in sys.modules

def started(*_):
    print(before, ready())
    sys.exit()

module.Recorder = started  # its thread reads the list too, sooner or later
with taddons.context(Proxyserver()) as context:
    addon = module.Pichay()
    context.master.addons.add(addon)
    addon.configure(context.options.keys())
    before = ready()
    addon.running()
"""


def test_the_price_list_is_read_when_the_addon_starts_and_not_by_the_first_request(
    monkeypatch, tmp_path
):
    """In a process of its own: in this one another test may have read it."""
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path))
    told = subprocess.run([sys.executable, "-c", READY], capture_output=True, text=True, timeout=60)
    assert told.stdout.split() == ["False", "True"], told.stderr
