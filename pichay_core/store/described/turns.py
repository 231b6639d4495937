"""The table of turns: every request, what it was billed, and what it would have been untouched."""

from pichay_core.store.described.shapes import Described, columns

_WENT = """
session text | | the session |
request integer | | number of the request in its session, from 1 |
turn integer | turn | of the session; a request that is tried again has the same |
at real | seconds since the epoch | when it was seen |
model text | | the model that was asked |
outcome text | | `edited`, `as_is`, `observed` (decided, sent as it came), `retried` (the provider
  refused the edit) or `failed` |
why text~ | | the reason of the outcome | it needs none
messages integer | messages | in the request, as the model knows them |
bytes_before integer | bytes | of the client's body |
bytes_after integer | bytes | of the body that went upstream |
removed_tokens integer | tokens | missing from its messages, after stubs (estimate) |
refetched_tokens integer | tokens | in it that came back, or of which the client knows
  nothing (estimate) |
resident_tokens integer | tokens | of tool results that stand in the window (estimate) |
pending_tokens integer | tokens | of pages that may leave with the next flush (estimate) |
flushed text | | the reason of its flush | nothing left with it
held_pages integer | pages | that could leave and were held back |
held_tokens integer | tokens | of these (estimate) |
held_why text~ | | why | nothing was held back
overhead_microseconds integer | microseconds | that Pichay took for it |
"""
_BILLED = """
status integer | | HTTP status of the reply | the reply has not ended
input_tokens integer | tokens | billed as plain input | not billed (yet)
cache_read_tokens integer | tokens | billed as read from the prefix cache | not billed (yet)
cache_write_5m_tokens integer | tokens | billed as written to it for minutes | not billed (yet)
cache_write_1h_tokens integer | tokens | billed as written to it for an hour | not billed (yet)
output_tokens integer | tokens | billed as output | not billed (yet)
untouched_input_tokens integer | tokens | plain input without Pichay (estimate) | not billed (yet)
untouched_cache_read_tokens integer | tokens | read without Pichay (estimate) | not billed (yet)
untouched_cache_write_tokens integer | tokens | written without Pichay (estimate) | not billed (yet)
untouched_output_tokens integer | tokens | output without Pichay (estimate) | not billed (yet)
dollars real | dollars | that it cost | not billed, or the price is not known
untouched_dollars real | dollars | that it would have cost (estimate) | like dollars
prefix_broken integer | 0 or 1 | less came from the cache than it held | not billed (yet)
"""
_BORN = """
front_bytes integer | bytes | of the body beside its messages: prompt, tools, settings | recorded
  before 0.2, or the session is frozen
definitions_tokens integer | tokens | of tool definitions that were not sent (estimate) |
protocol_tokens integer | tokens | that tell the model of paging (estimate) |
shortened_tokens integer | tokens | left out of results the first time they were sent (estimate) |
thinking_tokens integer | tokens | of thinking that it was sent without (estimate) |
cleared_tokens integer | tokens | that the provider cleared, asked by Pichay |
birth_saved_tokens real | tokens of plain input | saved by what went out smaller from the
  first time; negative is a loss |
birth_saved_dollars real | dollars | like birth_saved_tokens | not billed, or the price is not known
leg integer | | 0: the client's own request; n: the n-th that Pichay made in its place |
asked integer | | calls to tools of Pichay's in the reply |
"""
_HELD = """
window_limit integer | tokens | that the model can take | nobody knows, or recorded before 0.6
front_tokens integer | tokens | of prompt and tools, as they were sent (estimate) | before 0.6
talk_tokens integer | tokens | of what user and model said (estimate) | before 0.6
thought_tokens integer | tokens | of thinking (estimate) | before 0.6
read_tokens integer | tokens | of files that stand in the window (estimate) | before 0.6
query_tokens integer | tokens | of searches, listings, fetches that do (estimate) | before 0.6
run_tokens integer | tokens | of the output of commands that does (estimate) | before 0.6
write_tokens integer | tokens | of results of edits that do (estimate) | before 0.6
stub_tokens integer | tokens | of what stands where pages have left (estimate) | before 0.6
pinned_tokens integer | tokens | of resident pages that are pinned (estimate) | before 0.6
working_tokens integer | tokens | W(t, 16): used in the last 16 turns (estimate) | before 0.6
working_curve text | JSON | W(t, tau) by tau: 1, 2, 4, ... 128 turns (estimate) | before 0.6
read_dollars real | dollars | of `dollars`, for what was read from the cache | before 0.6, or the
  price is not known
output_dollars real | dollars | of `dollars`, for the reply | before 0.6, or the price is not known
"""

TURNS = Described(
    "turns",
    "One request that went upstream and its reply: what the provider billed, what it would have "
    "billed untouched, and what stood in the window.",
    columns=columns(_WENT.strip() + _BILLED + _BORN.strip() + _HELD),
)
