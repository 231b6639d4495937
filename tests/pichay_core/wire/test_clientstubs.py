import pytest

from pichay_core.wire.clientstubs import (
    LONGEST,
    asks_for_summary,
    is_cleared,
    is_unchanged,
    lists_skills,
    scene,
    sets_the_scene,
)

UNCHANGED = [
    "Wasted call — file unchanged since your last Read. Refer to that earlier tool_result instead.",
    "Wasted call -- file unchanged since your last Read.",
    "File unchanged since last read. The content from the earlier Read tool_result is current.",
    "File unchanged since your last read",
    "<system-reminder>\nFile unchanged since your last read\n</system-reminder>",
    "[File README.md unchanged since last read in this session (12 lines)]",
    "[File a dir/with spaces.py unchanged since last read in this session]",
    "\n  File unchanged since last read",
]
CLEARED = [
    "[Old tool result content cleared]",
    "  [Old tool result content cleared]\n",
    "<tool_output_masked>\n120 lines\n</tool_output_masked>",
    "[Tool output masked: 120 lines]",
]
CONTENT = [
    "",
    "The file is unchanged.",
    "def f():\n    return 'File unchanged since last read'",
    "1\tWasted call",
    "Unchanged since last read",
    "# [Old tool result content cleared]",
    "[File a.py]",
]


@pytest.mark.parametrize("text", UNCHANGED)
def test_a_note_that_the_file_is_unchanged_is_recognised(text):
    assert is_unchanged(text)
    assert not is_cleared(text)


@pytest.mark.parametrize("text", CLEARED)
def test_a_placeholder_for_cleared_content_is_recognised(text):
    assert is_cleared(text)
    assert not is_unchanged(text)


@pytest.mark.parametrize("text", CONTENT)
def test_content_that_mentions_a_placeholder_is_content(text):
    assert not is_unchanged(text)
    assert not is_cleared(text)


@pytest.mark.parametrize("text", [*UNCHANGED, *CLEARED])
def test_a_long_result_that_begins_with_a_placeholder_is_content(text):
    long = text + "\nline" * LONGEST
    assert not is_unchanged(long)
    assert not is_cleared(long)


@pytest.mark.parametrize(
    "text",
    [
        "Your task is to create a detailed summary of the conversation so far, paying attention",
        "Please write a concise summary of our work",
        "Provide a detailed prompt for continuing our conversation above.",
        "Summarize the entire conversation",
        "You are performing a CONTEXT CHECKPOINT COMPACTION. Create a handoff summary",
        "First, reason in your scratchpad. Then, generate the <state_snapshot>.",
    ],
)
def test_a_request_to_sum_up_the_conversation_is_recognised(text):
    assert asks_for_summary(text)


@pytest.mark.parametrize(
    "text",
    ["", "Summarize this file", "Fix the summary table", "continue", "What did the last run say?"],
)
def test_an_ordinary_request_is_not_taken_for_compaction(text):
    assert not asks_for_summary(text)


def test_a_long_text_is_searched_in_no_time():
    assert not asks_for_summary("summary of " * 500_000)
    assert not is_unchanged("[File " * (LONGEST // 6))


@pytest.mark.parametrize(
    ("text", "lists"),
    [
        ("<system-reminder>\nThe following skills are available for use:\n\n- a: b\n", True),
        ("Hi.\n<system-reminder>\nThe following skills are available\n", True),
        ("The following skills are available for use:\n", False),
        ("<system-reminder>\nAs you answer, the following skills are available\n", False),
        ("", False),
    ],
)
def test_a_list_of_skills_is_known_by_its_first_words(text, lists):
    assert lists_skills(text) is lists


GEMINI = "<session_context>\nThis is the Gemini CLI. We are setting up the context for our chat.\n"
QWEN = "This is the Qwen Code. We are setting up the context for our chat.\n"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (GEMINI + "- **Workspace Directories:**\n  - /p/a\n  - /p/b\n", ("/p/a", "/p/b")),
        (QWEN + "I am in the directory: /p/a\n- **Directory Structure:**\n  - /x", ("/p/a",)),
        (QWEN, ()),
    ],
)
def test_a_text_that_sets_the_scene_says_where_the_client_works(text, where):
    assert sets_the_scene(text)
    assert scene(text) == where


@pytest.mark.parametrize("text", ["", "Fix it.", "What does <session_context> mean?"])
def test_what_a_user_says_sets_no_scene(text):
    assert not sets_the_scene(text)
