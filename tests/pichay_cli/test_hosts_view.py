"""``pichay doctor --hosts``: what is looked at, exactly as it is drawn."""

import json

import pytest
from click.testing import CliRunner

from pichay_cli.doctor import doctor
from pichay_cli.hosts_view import view
from pichay_core.hosts import (
    AS_IT_CAME,
    EVERY_HOST,
    HOSTS,
    IF_WHOLE,
    LEFT_ALONE,
    PAGED,
    Host,
    LeftAlone,
    Path,
)

from .screens import text

KNOWN = Host(
    ("api.example", "*.api.example"),
    (
        Path("/v1/responses", IF_WHOLE, "openai_responses"),
        Path("/.../publishers/anthropic/models/{model}:streamRawPredict", PAGED, "anthropic"),
        Path("/v1/batches", AS_IT_CAME, "openai_chat", "batches"),
    ),
)
ANYWHERE = (Path("/.../v1/messages", PAGED, "anthropic"),)
LEFT = (LeftAlone(("a.example", "b.example"), "Their login is a plan, and no API."),)

AT_60 = """\
api.example, *.api.example

  paged if whole  /v1/responses
  paged           /.../publishers/anthropic/models/{model}:s
                  treamRawPredict
  as it came      /v1/batches

llm.corp (--host NAME, or what --reverse stands for)

  paged  /.../v1/messages

What each gets

  paged           Old results leave, what repeats goes out
                  in short, and the model has its memory
                  tools.
  paged if whole  The same; where only a part of the
                  conversation is sent
                  (previous_response_id), nothing that was
                  sent before leaves.
  as it came      Nobody waits for a batch, and what is to
                  be compacted is what the client has.

Deliberately not looked at

  a.example, b.example
           Their login is a plan, and no API.

No other host is decrypted at all.

"""

AT_80 = """\
api.example, *.api.example

  paged if whole  /v1/responses
  paged           /.../publishers/anthropic/models/{model}:streamRawPredict
  as it came      /v1/batches

llm.corp (--host NAME, or what --reverse stands for)

  paged  /.../v1/messages

What each gets

  paged           Old results leave, what repeats goes out in short, and the
                  model has its memory tools.
  paged if whole  The same; where only a part of the conversation is sent
                  (previous_response_id), nothing that was sent before leaves.
  as it came      Nobody waits for a batch, and what is to be compacted is what
                  the client has.

Deliberately not looked at

  a.example, b.example
           Their login is a plan, and no API.

No other host is decrypted at all.

"""

AT_120 = """\
api.example, *.api.example

  paged if whole  openai_responses  /v1/responses
  paged           anthropic         /.../publishers/anthropic/models/{model}:streamRawPredict
  as it came      openai_chat       /v1/batches

llm.corp (--host NAME, or what --reverse stands for)

  paged  anthropic  /.../v1/messages

What each gets

  paged           Old results leave, what repeats goes out in short, and the model has its memory tools.
  paged if whole  The same; where only a part of the conversation is sent (previous_response_id), nothing that was sent
                  before leaves.
  as it came      Nobody waits for a batch, and what is to be compacted is what the client has.

Deliberately not looked at

  a.example, b.example
           Their login is a plan, and no API.

No other host is decrypted at all.

"""  # noqa: E501


@pytest.mark.parametrize(("width", "drawn"), [(60, AT_60), (80, AT_80), (120, AT_120)])
def test_hosts_and_paths_are_drawn_with_what_each_gets(width, drawn):
    assert text(view([KNOWN], ["llm.corp"], ANYWHERE, LEFT), width) == drawn


@pytest.mark.parametrize("width", [60, 80, 120])
def test_nothing_of_the_whole_table_is_cut_off(width):
    paths = [path for host in EVERY_HOST for path in host.paths]
    drawn = text(view(EVERY_HOST, [], paths, LEFT_ALONE), width)
    assert "…" not in drawn
    assert max(map(len, drawn.splitlines())) <= width
    whole = "".join(drawn.split())
    for host in EVERY_HOST:
        assert ",".join(host.names) in whole
    for path in paths:
        assert path.pattern in whole
    for alone in LEFT_ALONE:
        assert "".join(alone.why.split()) in whole


def test_the_doctor_prints_what_the_addon_goes_by_and_the_users_own_hosts():
    done = CliRunner().invoke(doctor, ["--hosts", "--host", "llm.corp"])
    assert done.exit_code == 0
    assert "api.anthropic.com\n" in done.output
    assert "llm.corp (--host NAME" in done.output
    assert "Deliberately not looked at" in done.output


def test_a_program_gets_the_same_table():
    done = CliRunner().invoke(doctor, ["--hosts", "--json", "--host", "llm.corp"])
    *known, own = json.loads(done.output)
    assert [tuple(host["names"]) for host in known] == [host.names for host in HOSTS]
    assert own["names"] == ["llm.corp"]
    assert own["paths"][0]["gets"]["word"] == "paged"
