"""A small coding agent: the unmodified ``anthropic`` client in a loop, with real tools.

Rule of this file: it knows nothing of Pichay, of the demo's upstream or of its script. The
client takes everything from the environment (``ANTHROPIC_BASE_URL``, ``ANTHROPIC_API_KEY``,
``HTTPS_PROXY``, ``SSL_CERT_FILE``), as any agent's does.

    python -m pichay_cli.demo.agent FOLDER PROMPT [PROMPT ...]

It prints one line of JSON per step, and a last one with the sums of usage.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pichay_cli.demo.tools import DEFINITIONS, run_tool

MODEL = "claude-sonnet-4-6"
MAX_TOKENS = 4096
MAX_STEPS = 60
"""Requests for one prompt."""

MARKER = {"type": "ephemeral"}

SYSTEM = """You are a careful programmer at work in one folder.

How to work
- Read before you change. Look at the code that a change touches and at the code that calls it, \
and at what the documentation says it ought to do.
- Where documentation and code differ, find out which of the two is right before you change \
either, and say which it was.
- Make the smallest change that does what was asked. Leave alone what was not asked for, even if \
you would have written it otherwise.
- Run the tests after each change. If a test fails that has nothing to do with the change, say so \
and do not touch it.
- When a command fails, read what it said before you run it again.
- Keep to the style of the file you are in: its names, its quotes, its way of writing comments.

How to use the tools
- Use Read for files, Grep to find where something is, Glob to find out what there is. Use Bash \
for what the others cannot do, such as running the tests.
- Calls that do not depend on each other may be made together in one reply.
- For work of more than two steps keep the list with TodoWrite, so that the user can follow.
- Paths are relative to the folder of the project.
- A long file may be read in parts. Ask for the lines you need.

How to answer
- Say what you found and what you did, in a few plain sentences, the outcome first.
- Name files with their path, and lines with their number.
- Do not repeat what a tool has printed; say what follows from it.
- If something could not be done, say what is missing. Do not guess at the content of a file you \
have not read, and do not report a test as passed that you have not run.
- End when the work is done. Do not ask whether to go on.
"""

type Json = dict[str, Any]
type Ask = Callable[[Json], Json]
"""Sends one request and returns the message that came back."""


def request_for(messages: Sequence[Json]) -> Json:
    """Return the request for a conversation, with markers on the system and the newest message.

    The conversation itself holds no markers: they move with every request.
    """
    *earlier, newest = messages
    *before, last = newest["content"]
    marked = newest | {"content": [*before, last | {"cache_control": MARKER}]}
    return {
        "model": MODEL,
        "max_tokens": MAX_TOKENS,
        "system": [{"type": "text", "text": SYSTEM, "cache_control": MARKER}],
        "tools": list(DEFINITIONS),
        "messages": [*earlier, marked],
    }


def converse(ask: Ask, folder: Path, prompts: Iterable[str]) -> Iterator[Json]:
    """Work through the prompts, yielding each step: a prompt, a message, a call's outcome."""
    messages: list[Json] = []
    for prompt in prompts:
        messages.append({"role": "user", "content": [{"type": "text", "text": prompt}]})
        yield {"prompt": prompt}
        yield from _work(ask, folder, messages)


def _work(ask: Ask, folder: Path, messages: list[Json]) -> Iterator[Json]:
    """Ask and run tools until the model is done; *messages* grows by what was said."""
    for _ in range(MAX_STEPS):
        reply = ask(request_for(messages))
        messages.append({"role": "assistant", "content": reply["content"]})
        yield {"usage": reply["usage"], "stop_reason": reply["stop_reason"]}
        calls = [block for block in reply["content"] if block["type"] == "tool_use"]
        if not calls:
            return
        results = [_result(folder, call) for call in calls]
        messages.append({"role": "user", "content": results})
        yield from (_step(*pair) for pair in zip(calls, results, strict=True))
    raise RuntimeError(f"the model was not done after {MAX_STEPS} requests")


def _result(folder: Path, call: Json) -> Json:
    outcome = run_tool(folder, call["name"], call["input"])
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": outcome.text}
    return result | {"is_error": True} if outcome.error else result


def _step(call: Json, result: Json) -> Json:
    return {
        "call": call["name"],
        "input": call["input"],
        "bytes": len(result["content"].encode()),
        "error": "is_error" in result,
    }


def totals(steps: Iterable[Mapping[str, Any]]) -> Json:
    """Return the number of requests and the sums of what they were billed."""
    usages = [step["usage"] for step in steps if "usage" in step]
    names = (
        "input_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "output_tokens",
    )
    return {"requests": len(usages)} | {
        name: sum(usage.get(name) or 0 for usage in usages) for name in names
    }


def _asking() -> Ask:
    """Return a client made from the environment alone, that streams."""
    import anthropic  # The rest of this file is of use without the client.

    client = anthropic.Anthropic()

    def ask(request: Json) -> Json:
        with client.messages.stream(**request) as stream:
            return stream.get_final_message().model_dump(mode="json", exclude_none=True)

    return ask


def main(arguments: Sequence[str]) -> None:
    """Work through the prompts and print each step."""
    folder, *prompts = arguments
    steps: list[Json] = []
    for step in converse(_asking(), Path(folder), prompts):
        steps.append(step)
        print(json.dumps(step), flush=True)
    print(json.dumps({"totals": totals(steps)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
