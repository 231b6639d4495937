"""Each mode changes what its row in the table of modes says, and nothing else."""

import json

import pytest
from hypothesis import HealthCheck, given, settings

from pichay_core.modes import MODES
from tests.builders import BINDING, HEADER_SESSION, KEY, Proxy, is_stub, results_in, rules, stubbed
from tests.histories import clients, plays, requests, straight

NAMED = {**KEY, HEADER_SESSION: "one"}
EAGER = rules("every-turn", tau=1)
MODELS = ("claude-sonnet-4-5", BINDING)
law = settings(
    max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


def sent_and_upstream(mode, model, play, client):
    proxy = Proxy(EAGER, mode=mode)
    for sent in requests(play, client):
        body = json.dumps({**json.loads(sent.body), "model": model}).encode()
        yield body, proxy.send(body, NAMED, sent.after)


def changed(body, upstream):
    """The fields of the body that are not what the client sent."""
    before, after = json.loads(body), json.loads(upstream)
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def permitted(mode, model):
    """The fields that a mode may change, by its mechanisms."""
    moved = {"messages", "system"} if mode.evicts or mode.births else set()
    defined = {"tools"} if mode.definitions else set()
    return moved | defined | ({"context_management"} if mode.asks_provider(model) else set())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", [name for name, mode in MODES.items() if mode.edits])
@law
@given(plays, clients)
def test_a_mode_changes_what_its_mechanisms_change_and_nothing_else(name, model, play, client):
    mode = MODES[name]
    for body, upstream in sent_and_upstream(name, model, play, client):
        assert changed(body, upstream) <= permitted(mode, model)
        if not mode.evicts:
            assert stubbed(upstream) == []


@pytest.mark.parametrize("model", MODELS)
@law
@given(plays, clients)
def test_who_observes_sends_the_clients_very_bytes(model, play, client):
    for body, upstream in sent_and_upstream("observe", model, play, client):
        assert upstream is body


@law
@given(plays, clients)
def test_who_pages_changes_results_and_markers_and_what_the_model_is_told(play, client):
    for body, upstream in sent_and_upstream("page", MODELS[0], play, client):
        own, theirs = results_in(body), results_in(upstream)
        for one, other in zip(own, theirs, strict=True):
            fields = {name for name in {*one, *other} if one.get(name) != other.get(name)}
            assert fields <= {"content", "cache_control"}
        system, told = json.loads(body)["system"], json.loads(upstream)["system"]
        assert told[: len(system)] == system
        assert len(told) <= len(system) + 1


@law
@given(straight, clients)
def test_what_a_session_is_asked_to_clear_never_changes(play, client):
    asked = [
        json.loads(upstream).get("context_management")
        for _, upstream in sent_and_upstream("server", BINDING, play, client)
    ]
    assert asked[0] is not None
    assert all(each == asked[0] for each in asked)


def test_the_plays_reach_what_the_laws_are_about():
    seen = dict.fromkeys(("told", "asked", "out"), 0)

    @law
    @given(plays, clients)
    def count(play, client):
        for body, upstream in sent_and_upstream("full", BINDING, play, client):
            differs = changed(body, upstream)
            seen["told"] += "system" in differs
            seen["asked"] += "context_management" in differs
            seen["out"] += any(is_stub(block["content"]) for block in results_in(upstream))

    count()
    assert all(number > 3 for number in seen.values()), seen
