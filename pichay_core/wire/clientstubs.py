"""Texts that clients write themselves, recognised by their exact opening words.

A placeholder is short; a long result that merely quotes one is content.
Sources: Claude Code 2.1 ("Wasted call", "Old tool result content cleared"), qwen-code 0.15
("unchanged since last read in this session"), gemini-cli ("Tool output masked").
"""

import re

LONGEST = 400
"""Characters. The longest placeholder seen has 190."""

_UNCHANGED = re.compile(
    r"\s*(<system-reminder>\s*)?"
    r"(Wasted call\b.{0,20}file unchanged since"
    r"|File unchanged since (your )?last read"
    r"|\[File .{1,300} unchanged since last read)",
    re.IGNORECASE | re.DOTALL,
)
_CLEARED = re.compile(
    r"\s*(\[Old tool result content cleared\]|<tool_output_masked>|\[Tool output masked)"
)


def is_unchanged(text: str) -> bool:
    """True if the client says: the file is as in an earlier result, look there."""
    return len(text) <= LONGEST and _UNCHANGED.match(text) is not None


def is_cleared(text: str) -> bool:
    """True if the client removed the content itself."""
    return len(text) <= LONGEST and _CLEARED.match(text) is not None


SKILLS = r"<system-reminder>\nThe following skills are available[^\n]*\n"
"""What a reminder begins with that lists skills (Claude Code 2.1)."""
_SKILLS = re.compile(SKILLS)


def lists_skills(text: str) -> bool:
    """True if a reminder in the text lists skills."""
    return "<system-reminder>" in text and _SKILLS.search(text) is not None


COMPACTION = "CONTEXT CHECKPOINT COMPACTION"
"""How Codex begins what it asks for a summary with; read for a request that asks without words."""
_SUMMARY = re.compile(
    r"(detailed|structured|concise|continuation) (context checkpoint )?summary of (the|our|this)"
    r"|summari[sz](e|ing) (the|our|this) (entire |whole )?conversation"
    rf"|{COMPACTION}|state_snapshot"
    r"|prompt for continuing (the|our) conversation",
    re.IGNORECASE,
)


def asks_for_summary(text: str) -> bool:
    """True if the client is about to compact: the model must see what it is to sum up."""
    return _SUMMARY.search(text) is not None


_SCENE = re.compile(
    r"\s*(<session_context>|This is the (Gemini CLI|Qwen Code)\. We are setting up the context)"
)


def sets_the_scene(text: str) -> bool:
    """True if the client only tells where it works: date, system and the tree of the project.

    It says this before the user's first words, and anew with what has changed when it is started
    again (gemini-cli 0.61; before, and in qwen-code, without the tag).
    """
    return _SCENE.match(text) is not None
