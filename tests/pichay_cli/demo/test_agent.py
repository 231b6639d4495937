import json
import os
import subprocess
import sys

from pichay_cli.demo.agent import converse, request_for, totals
from pichay_cli.demo.certificate import make_certificate
from pichay_cli.demo.plan import Failure, Plan
from pichay_cli.demo.project import write_project
from pichay_cli.demo.reply import error
from pichay_cli.demo.scenario import MOVES, PROMPTS, script
from pichay_cli.demo.server import serving
from pichay_cli.demo.upstream import Upstream
from tests.pichay_cli.demo.conversations import ALONE

MARKER = {"type": "ephemeral"}
OVERLOADED = error("overloaded_error", "Overloaded")


def text(words):
    return {"type": "text", "text": words}


def test_markers_are_on_the_system_and_on_the_last_block_of_the_newest_message():
    messages = [
        {"role": "user", "content": [text("a")]},
        {"role": "assistant", "content": [text("b")]},
        {"role": "user", "content": [text("c"), text("d")]},
    ]
    request = request_for(messages)
    assert [block.get("cache_control") for block in request["system"]] == [MARKER]
    assert request["messages"][:2] == messages[:2]
    assert request["messages"][2]["content"] == [text("c"), text("d") | {"cache_control": MARKER}]


def test_the_conversation_itself_holds_no_markers():
    message = {"role": "user", "content": [text("a")]}
    request_for([message])
    assert message == {"role": "user", "content": [text("a")]}


def test_calls_are_run_and_answered_in_one_message(tmp_path):
    (tmp_path / "a.txt").write_text("one\n")
    calls = [
        {"type": "tool_use", "id": "1", "name": "Read", "input": {"file_path": "a.txt"}},
        {"type": "tool_use", "id": "2", "name": "Read", "input": {"file_path": "b.txt"}},
    ]
    answers = iter(
        [
            {"content": calls, "usage": {}, "stop_reason": "tool_use"},
            {"content": [text("done")], "usage": {}, "stop_reason": "end_turn"},
        ]
    )
    seen = []

    def ask(request):
        seen.append(request)
        return next(answers)

    list(converse(ask, tmp_path, ["go"]))
    results = seen[1]["messages"][-1]["content"]
    assert [result["content"] for result in results] == [
        "     1\tone",
        "File does not exist: b.txt",
    ]
    assert [result.get("is_error") for result in results] == [None, True]


def test_totals_are_sums_over_the_requests():
    steps = [
        {"prompt": "x"},
        {"usage": {"input_tokens": 1, "output_tokens": 2}},
        {"usage": {"input_tokens": 3, "cache_read_input_tokens": None}},
    ]
    assert totals(steps) == {
        "requests": 2,
        "input_tokens": 4,
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 0,
        "output_tokens": 2,
    }


def test_the_unmodified_client_works_through_the_script_and_over_a_failure(tmp_path):
    """A child process, from its environment alone, over TLS; one reply is refused and retried."""
    project = tmp_path / "project"
    project.mkdir()
    write_project(project)
    certificate = make_certificate(tmp_path)
    app = Upstream(script, Plan(failures=(Failure(5, 529, OVERLOADED),)))
    with serving(app, certificate) as url:
        done = subprocess.run(
            [sys.executable, "-m", "pichay_cli.demo.agent", str(project), *PROMPTS],
            env=environment(url, certificate),
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])["totals"]
    billed = [record.usage for record in app.turns if record.usage]
    assert last["requests"] == len(billed) == len(MOVES) - len(ALONE)
    assert last["cache_read_input_tokens"] == sum(usage.cache_read for usage in billed)
    assert last["output_tokens"] == sum(usage.output for usage in billed)
    assert app.turns[4].sha256 == app.turns[5].sha256
    assert "hours >= FREE_HOURS" in (project / "harbour" / "berths.py").read_text()
    assert (project / "docs" / "changes.md").exists()


def environment(url, certificate):
    bare = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return bare | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "sk-ant-demo-not-a-key",
        "SSL_CERT_FILE": str(certificate.authority),
    }
