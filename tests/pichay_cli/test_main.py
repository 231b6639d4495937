import pytest
from click.testing import CliRunner

from pichay_cli import VERBS, main


def test_the_verbs_are_listed_in_the_order_of_their_table():
    assert main.list_commands(main.make_context("pichay", ["run"])) == list(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_of_the_table_is_there_and_has_help(verb):
    result = CliRunner().invoke(main, [verb, "--help"])
    assert result.exit_code == 0, result.output
    assert f"main {verb}" in result.output


def test_a_verb_that_is_not_there_is_named():
    result = CliRunner().invoke(main, ["evict"])
    assert result.exit_code == 2
    assert "No such command 'evict'" in result.output
