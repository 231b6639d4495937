"""The table of clients: what each is told, and what the docs print of it."""

from pathlib import Path

import pytest

from pichay_cli.clients import BASE_URLS, CLIENTS, HERE, TITLES, UNKNOWN, client_of, rows
from pichay_cli.environment import CERTIFICATE_VARIABLES
from pichay_core.hosts import EVERY_HOST

DOCS = Path(__file__).parents[2] / "docs" / "clients.md"


def test_the_readme_prints_the_table():
    titles, lines, *table = DOCS.read_text("utf-8").split("<!-- clients -->")[1].split("\n")[2:-2]
    assert titles == f"| {' | '.join(TITLES)} |"
    assert lines == "|" + "---|" * len(TITLES)
    assert table == [f"| {' | '.join(row)} |" for row in rows()]


def test_no_cell_breaks_the_table():
    assert not [cell for row in rows() for cell in row if "|" in cell or "\n" in cell]


@pytest.mark.parametrize("command", ["claude", "/opt/bin/claude", "./claude"])
def test_a_client_is_known_by_the_name_of_its_command(command):
    assert client_of(command).name == "Claude Code"
    assert client_of("claude-wrapper") is UNKNOWN


def test_no_command_starts_two_clients():
    commands = [command for client in CLIENTS for command in client.commands]
    assert len({*commands}) == len(commands)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_what_a_client_reads_is_set_and_where_it_leads_is_looked_at(client):
    assert {*client.trusts} <= {*CERTIFICATE_VARIABLES}
    names = {f"https://{name}" for host in EVERY_HOST for name in host.names}
    for api in client.apis:
        assert api.upstream in names
        assert HERE in api.told
        assert not (api.variable and api.arguments)
        assert api.variable or api.arguments or any(n.when == "reverse" for n in client.notes)
    assert all(variable in BASE_URLS for api in client.apis if (variable := api.variable))


def test_claude_code_with_a_key_sends_no_attribution_and_the_reason_is_told():
    (need,) = client_of("/opt/bin/claude").needed({"ANTHROPIC_API_KEY": "k"})
    assert (need.name, need.value) == ("CLAUDE_CODE_ATTRIBUTION_HEADER", "0")
    assert need.because


def test_a_client_needs_nothing_without_its_key_nor_against_the_users_choice():
    claude = client_of("claude")
    assert claude.needed({}) == ()
    own = {"ANTHROPIC_API_KEY": "k", "CLAUDE_CODE_ATTRIBUTION_HEADER": "1"}
    assert claude.needed(own) == ()
    assert client_of("codex").needed({"ANTHROPIC_API_KEY": "k"}) == ()


def told(command, environment=(), reverse=False, options=()):
    return " ".join(client_of(command).told(dict(environment), reverse, options))


def test_codex_says_that_a_websocket_passes_until_the_user_has_read_it():
    assert "--http-fallback" in told("codex", reverse=True)
    assert "--http-fallback" not in told("codex", options=("--http-fallback",))


def test_a_login_that_is_not_looked_at_is_said_where_there_is_no_key():
    assert "cloudcode-pa.googleapis.com" in told("gemini")
    assert "cloudcode-pa.googleapis.com" in told("gemini", {"GEMINI_API_KEY": ""})
    assert told("gemini", {"GEMINI_API_KEY": "k"}) == ""
    assert "chatgpt.com" in told("codex")
    assert "chatgpt.com" not in told("codex", {"OPENAI_API_KEY": "k"})


def test_what_matters_in_reverse_alone_is_said_there_alone():
    assert "models.json" in told("pi", reverse=True)
    assert told("pi") == told("my-agent") == ""
