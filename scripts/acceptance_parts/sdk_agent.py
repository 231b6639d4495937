"""A small agent on a provider's own Python library: ``sdk_agent.py WIRE MODEL PROMPT...``.

Rule of this file: it runs in the environment of the library, so it imports nothing of ours. It
keeps the whole history and sends it with each request, as every agent does.
"""

import json
import subprocess
import sys
from pathlib import Path

SYSTEM = "You are a coding agent. " + "You keep to the rules of the project. " * 150
PARAMETERS = {
    "Read": ("file_path",),
    "Grep": ("pattern", "path"),
    "Bash": ("command",),
    "Edit": ("file_path", "old_string", "new_string"),
    "Write": ("file_path", "content"),
}


def schema(name):
    """Return the JSON schema of a tool's arguments."""
    fields = {parameter: {"type": "string"} for parameter in PARAMETERS[name]}
    return {"type": "object", "properties": fields, "required": list(fields)}


def run(name, given):
    """Return what a tool says, and whether it failed."""
    try:
        return TOOLS[name](**given)
    except OSError as error:
        return f"{type(error).__name__}: {error.strerror}", True


def shell(*command):
    """Return what a command prints, and whether it failed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    return said + (f"\nexit code {done.returncode}" if done.returncode else ""), bool(
        done.returncode
    )


def write(file_path, content):
    """Write a file."""
    Path(file_path).parent.mkdir(parents=True, exist_ok=True)
    Path(file_path).write_text(content)
    return "written", False


def edit(file_path, old_string, new_string):
    """Replace a text in a file."""
    text = Path(file_path).read_text()
    if text.count(old_string) != 1:
        return "the old text must stand there once", True
    return write(file_path, text.replace(old_string, new_string))


TOOLS = {
    "Read": lambda file_path: (Path(file_path).read_text(), False),
    "Grep": lambda pattern, path: shell("grep", "-rn", pattern, path),
    "Bash": lambda command: shell("bash", "-c", command),
    "Edit": edit,
    "Write": write,
}


def play_anthropic(model, prompts):
    """Anthropic Messages, streamed, with thinking and the two usual cache markers."""
    import anthropic

    client = anthropic.Anthropic(max_retries=0)
    marker = {"cache_control": {"type": "ephemeral"}}
    tools = [{"name": name, "description": name, "input_schema": schema(name)} for name in TOOLS]
    messages = []
    for prompt in prompts:
        content = [{"type": "text", "text": prompt}]
        while content:
            messages.append({"role": "user", "content": content})
            marked = [*content[:-1], content[-1] | marker]
            with client.messages.stream(
                model=model, max_tokens=8000, tools=tools,
                system=[{"type": "text", "text": SYSTEM} | marker],
                messages=[*messages[:-1], {"role": "user", "content": marked}],
                thinking={"type": "enabled", "budget_tokens": 1024},
            ) as stream:  # fmt: skip
                reply = stream.get_final_message()
            blocks = [block.model_dump(exclude_none=True) for block in reply.content]
            messages.append({"role": "assistant", "content": blocks})
            content = [_result(block) for block in reply.content if block.type == "tool_use"]


def _result(block):
    text, failed = run(block.name, block.input)
    return {"type": "tool_result", "tool_use_id": block.id, "content": text, "is_error": failed}


def play_chat(model, prompts):
    """OpenAI Chat Completions, streamed for every second prompt."""
    import openai

    client = openai.OpenAI(max_retries=0)
    tools = [{"type": "function", "function": {"name": name, "parameters": schema(name)}}
             for name in TOOLS]  # fmt: skip
    messages = [{"role": "system", "content": SYSTEM}]
    for number, prompt in enumerate(prompts):
        new = [{"role": "user", "content": prompt}]
        while new:
            messages += new
            asked = {"model": model, "messages": messages, "tools": tools}
            if number % 2:
                completion = client.chat.completions.create(**asked)
            else:
                with client.chat.completions.stream(**asked) as stream:
                    completion = stream.get_final_completion()
            said = completion.choices[0].message.model_dump(exclude_none=True)
            message = {"role": "assistant", "content": said.get("content")}
            calls = [{"id": call["id"], "type": "function", "function": {
                "name": call["function"]["name"], "arguments": call["function"]["arguments"]}}
                for call in said.get("tool_calls") or []]  # fmt: skip
            messages.append(message | ({"tool_calls": calls} if calls else {}))
            new = [{"role": "tool", "tool_call_id": call["id"], "content": _said(call["function"])}
                   for call in calls]  # fmt: skip


def _said(function):
    return run(function["name"], json.loads(function["arguments"]))[0]


def play_responses(model, prompts):
    """OpenAI Responses, streamed, nothing stored at the provider."""
    import openai

    client = openai.OpenAI(max_retries=0)
    tools = [{"type": "function", "name": name, "parameters": schema(name), "strict": False}
             for name in TOOLS]  # fmt: skip
    history = []
    for prompt in prompts:
        new = [{"role": "user", "content": prompt}]
        while new:
            history += new
            with client.responses.stream(
                model=model, instructions=SYSTEM, input=history, tools=tools, store=False,
                reasoning={"effort": "low"}, include=["reasoning.encrypted_content"],
            ) as stream:  # fmt: skip
                reply = stream.get_final_response()
            left_out = {"parsed_arguments"}
            items = [item.model_dump(exclude_none=True, exclude=left_out) for item in reply.output]
            history += items
            new = [{"type": "function_call_output", "call_id": item["call_id"],
                    "output": _said(item)}
                   for item in items if item["type"] == "function_call"]  # fmt: skip


def play_gemini(model, prompts):
    """Gemini, streamed for every second prompt."""
    from google import genai
    from google.genai import types

    client = genai.Client()
    declared = [types.FunctionDeclaration(name=name, description=name,
                                          parameters_json_schema=schema(name))
                for name in TOOLS]  # fmt: skip
    config = types.GenerateContentConfig(
        system_instruction=SYSTEM,
        tools=[types.Tool(function_declarations=declared)],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    contents = []
    for number, prompt in enumerate(prompts):
        new = [types.Part(text=prompt)]
        while new:
            contents.append(types.Content(role="user", parts=new))
            asked = {"model": model, "contents": contents, "config": config}
            if number % 2:
                parts = client.models.generate_content(**asked).candidates[0].content.parts
            else:
                chunks = client.models.generate_content_stream(**asked)
                parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
            contents.append(types.Content(role="model", parts=parts))
            calls = [part.function_call for part in parts if part.function_call]
            new = [types.Part.from_function_response(
                name=call.name, response={"output": run(call.name, call.args)[0]})
                for call in calls]  # fmt: skip


WIRES = {"anthropic": play_anthropic, "chat": play_chat, "responses": play_responses,
         "gemini": play_gemini}  # fmt: skip

if __name__ == "__main__":
    wire, model, *prompts = sys.argv[1:]
    WIRES[wire](model, prompts)
