import json
import shutil
import socket
import tomllib
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest
from rich.console import Console

from pichay_cli import checkup, trust
from pichay_cli.certificates import AUTHORITY
from pichay_cli.checkup import MITMPROXY
from pichay_cli.doctor_view import view
from pichay_cli.launch import certificates_folder
from pichay_cli.row import Row, Status
from pichay_core.store.schema import open_for_writing

from .builders import newer

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


def test_the_supported_versions_are_those_of_the_project_file():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (first, second) = (".".join(map(str, part)) for part in MITMPROXY)
    assert f"mitmproxy>={first},<{second.removesuffix('.0')}" in project["dependencies"]
    assert project["requires-python"] == f">={'.'.join(map(str, checkup.PYTHON))}"


def test_whether_the_model_can_be_answered_is_asked_of_the_addon_itself():
    assert checkup.memory_tools().status is Status.OK
    row = checkup.memory_tools("print('HttpLayer takes something else')")
    assert (row.status, row.finding) == (
        Status.WARN,
        "not with this mitmproxy (HttpLayer takes something else)",
    )
    gone = checkup.memory_tools("import no_such_room")
    assert gone.status is Status.WARN
    assert "No module named 'no_such_room'" in gone.finding


def test_a_state_folder_that_cannot_be_written_to_fails(tmp_path):
    row = checkup.state_folder(tmp_path / "none")
    assert (row.status, row.finding) == (
        Status.FAIL,
        f"{tmp_path / 'none'} cannot be written to",
    )


def test_an_authority_in_date_and_private_is_ok(confdir):
    row = checkup.certificate_authority(confdir, datetime.now(UTC))
    assert row.status is Status.OK


def test_no_authority_yet_is_ok(tmp_path):
    row = checkup.certificate_authority(tmp_path, NOW)
    assert row == Row(Status.OK, "CA", "none yet; the first `pichay run` makes it")


def test_an_authority_out_of_date_or_open_to_others_or_broken_fails(confdir, tmp_path):
    later = datetime(2126, 1, 1, tzinfo=UTC)
    assert checkup.certificate_authority(confdir, later).finding.startswith("not valid now")
    shutil.copytree(confdir, tmp_path, dirs_exist_ok=True)
    (tmp_path / AUTHORITY).chmod(0o644)
    row = checkup.certificate_authority(tmp_path, datetime.now(UTC))
    assert (row.status, row.advice) == (Status.FAIL, f"chmod 600 {tmp_path / AUTHORITY}")
    (tmp_path / AUTHORITY).write_text(
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    )
    assert checkup.certificate_authority(tmp_path, NOW).status is Status.FAIL


def test_a_client_that_trusts_the_authority_is_told_from_one_that_does_not(confdir, environment):
    python = trust.CLIENTS[0]
    bundle = checkup.bundles(Path(environment["PICHAY_HOME"]), confdir, {})
    with trust.server(confdir) as port:
        trusting = trust.ask(python, port, {"SSL_CERT_FILE": str(bundle.client)})
        not_trusting = trust.ask(python, port, {"SSL_CERT_FILE": str(bundle.upstream)})
    assert (trusting.trusts, not_trusting.trusts) == (True, False)
    assert "CERTIFICATE_VERIFY_FAILED" in not_trusting.complaint


def test_a_program_that_is_not_there_is_absent_and_no_failure():
    absent = trust.Client("absent", "X", ("no-such-program",))
    assert trust.ask(absent, 1, {}) == trust.Answer(absent, present=False)


def test_the_clients_of_this_machine_trust_the_authority(confdir, environment):
    rows = checkup.clients(confdir, environment)
    assert [row for row in rows if row.status is not Status.OK] == []
    assert [row.what for row in rows] == ["python", "node", "curl", "rust, go, codex"]


def test_a_file_of_the_users_that_cannot_be_read_is_a_warning(environment, monkeypatch, confdir):
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    row = checkup.clients(confdir, environment)[-1]
    assert (row.status, row.advice) == (Status.WARN, "Correct or unset SSL_CERT_FILE.")


def test_proxies_that_lead_nowhere_fail_and_those_that_may_be_pichay_warn():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        own = {"HTTPS_PROXY": f"http://127.0.0.1:{listener.getsockname()[1]}"}
        assert checkup.proxies(own).status is Status.FAIL
        listener.listen()
        assert checkup.proxies(own).status is Status.WARN
    assert checkup.proxies({"HTTPS_PROXY": "http://corp:3128"}).status is Status.OK
    assert checkup.proxies({"HTTPS_PROXY": "socks5://corp"}).status is Status.FAIL
    assert checkup.proxies({"NO_PROXY": "a, *"}).status is Status.WARN
    assert checkup.proxies({}).status is Status.OK


def test_a_shell_inside_a_pichay_is_told_from_one_with_a_proxy_of_its_own(environment):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        trusted = certificates_folder() / "client-x.pem"
        within = {"HTTPS_PROXY": f"http://127.0.0.1:{port}", "SSL_CERT_FILE": str(trusted)}
        assert checkup.proxies(within) == Row(
            Status.WARN,
            "proxy variables",
            f"this shell goes through a Pichay already, 127.0.0.1:{port}",
            "Start the agent as it is, or before `pichay run`: "
            "unset HTTPS_PROXY https_proxy HTTP_PROXY http_proxy",
        )
        without = within | {"SSL_CERT_FILE": "/etc/ca.pem"}
        assert "already goes through" in checkup.proxies(without).finding


def test_a_base_url_that_leads_to_another_context_tool_is_a_warning():
    one = {
        "ANTHROPIC_BASE_URL": "http://localhost:8787",
        "OPENAI_BASE_URL": "http://127.0.0.1:1/v1",
    }
    assert checkup.gateways(one) == [
        Row(
            Status.WARN,
            "two at once",
            "ANTHROPIC_BASE_URL leads to localhost:8787 (headroom's port)",
            "Each undoes what the other saves. Use one of the two: unset ANTHROPIC_BASE_URL",
        )
    ]
    assert checkup.gateways({"ANTHROPIC_BASE_URL": "http://llm.example:8787"}) == []
    assert checkup.gateways({"ANTHROPIC_BASE_URL": "http://127.0.0.1:x"}) == []


@pytest.fixture
def recorded(tmp_path):
    path = tmp_path / "pichay.db"
    open_for_writing(path).conn.close()
    return path


def test_a_database_is_absent_or_whole_and_private(recorded):
    assert checkup.database(recorded.with_name("none.db")).status is Status.OK
    assert checkup.database(recorded).status is Status.OK
    recorded.chmod(0o644)
    row = checkup.database(recorded)
    assert (row.status, row.advice) == (Status.FAIL, f"chmod 600 {recorded}")
    recorded.chmod(0o600)
    recorded.write_bytes(b"not a database" * 100)
    assert "not a database" in checkup.database(recorded).finding


def test_a_recording_of_a_newer_pichay_is_named_with_where_this_one_records(recorded):
    newer(recorded)
    own = f"pichay-{version('pichay')}.db"
    assert checkup.database(recorded) == Row(
        Status.FAIL,
        "database",
        f"{recorded} was written by a newer Pichay: upgrade, or name another with --database.",
        f"Or move it away: mv {recorded} {recorded}.old. Until then `pichay run` records in {own} "
        "next to it.",
    )


def test_a_price_file_is_absent_or_whole(monkeypatch, tmp_path):
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path))
    assert checkup.price_file() == Row(Status.OK, "prices", "as listed")
    (tmp_path / "prices.json").write_text('{"a": 1}')
    row = checkup.price_file()
    assert row.status is Status.FAIL
    assert "a: must be an object" in row.finding


def test_a_row_is_drawn_with_its_advice_below():
    rows = [Row(Status.OK, "port", "8080 is free"), Row(Status.FAIL, "CA", "gone", "Make one.")]
    console = Console(width=40, color_system=None)
    with console.capture() as drawn:
        console.print(view(rows))
    lines = [line.rstrip() for line in drawn.get().splitlines()]
    assert lines == ["ok    port  8080 is free", "fail  CA    gone", "            Make one."]


@pytest.mark.e2e
def test_the_exit_code_is_1_only_if_a_row_fails(pichay, confdir, tmp_path):
    done = pichay("doctor", "--json", "--confdir", confdir)
    rows = json.loads(done.stdout)
    assert (done.returncode, [row for row in rows if row["status"] == "fail"]) == (0, [])
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / AUTHORITY).write_text("nothing")
    done = pichay("doctor", "--confdir", broken)
    assert done.returncode == 1
    assert "holds no certificate" in done.stdout
