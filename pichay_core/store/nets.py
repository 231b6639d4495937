"""What a net is made of, as columns over requests.

Rule of this file: a column that an older recording does not have counts for nothing.
"""

from pichay_core.store.database import Database

_SENT = "input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens"
_NET = """
    model, count(*) - {legs} requests, {legs} legs, {legs_sent} legs_sent,
    {legs_dollars} legs_dollars, count(input_tokens) settled, count(dollars) priced,
    total(input_tokens) input, total(cache_read_tokens) cache_read,
    total(cache_write_5m_tokens) + total(cache_write_1h_tokens) cache_write,
    total(output_tokens) output,
    total(untouched_input_tokens) untouched_input,
    total(untouched_cache_read_tokens) untouched_cache_read,
    total(untouched_cache_write_tokens) untouched_cache_write,
    total(untouched_output_tokens) untouched_output,
    total(dollars) dollars, total(untouched_dollars) untouched_dollars
"""
_LEGS = {
    "legs": "sum(leg > 0)",
    "legs_sent": f"total(case when leg > 0 then {_SENT} end)",
    "legs_dollars": "total(case when leg > 0 then dollars end)",
}


def net_columns(db: Database) -> str:
    """Return what a net is made of. An older recording knows nothing of thinking, or of legs."""
    known = db["turns"].columns_dict
    legs = _LEGS if "leg" in known else dict.fromkeys(_LEGS, "0")
    thinking = "total(thinking_tokens)" if "thinking_tokens" in known else "0"
    return f"{_NET.format(**legs)}, {thinking} thinking"
