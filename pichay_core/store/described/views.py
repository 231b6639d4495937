"""The views: which question each answers, and what its columns are."""

from pichay_core.store.described.shapes import Described, columns

_NET = """
requests integer | requests | of the client's own |
legs integer | requests | that Pichay made in the client's place, to answer the model |
billed integer | requests | whose reply said what was billed; the tokens are theirs |
priced integer | requests | billed for models whose price is known; the dollars are theirs |
sent_tokens integer | tokens | billed on the input side, cached or not |
untouched_sent_tokens integer | tokens | the same without Pichay (estimate) |
saved_tokens integer | tokens | untouched less sent; negative is a loss |
output_tokens integer | tokens | billed as output |
untouched_output_tokens integer | tokens | the same without Pichay (estimate) |
dollars real | dollars | that it cost | no price is known
untouched_dollars real | dollars | that it would have cost (estimate) | no price is known
saved_dollars real | dollars | untouched less cost; negative is a loss | no price is known
"""

SESSION_NET = Described(
    "session_net",
    "The net of each session: tokens and dollars with Pichay, without, and the difference.",
    question="What has each session saved or lost, net?",
    order="last_at desc",
    at="last_at",
    columns=columns(f"""
session text | | the session |
kind text | | `main`, `subagent`, `side` or `fork` |
parent text | | the session that it began from | it began by itself
client text | | the program that talks; empty if it does not say |
project text | | the folder it works in; empty if it does not say |
model text | | the model of its last request |
mode text | | the mode of its last request |
started_at real | seconds since the epoch | its first request |
last_at real | seconds since the epoch | its last request |
turns integer | turns | so far |
{_NET.strip()}
evictions integer | pages | that left and can be asked for, or that the provider cleared for us |
faults integer | faults | of all kinds |
"""),
)

DAILY_NET = Described(
    "daily_net",
    "The net of each day, by the clock of whoever asks.",
    question="What was saved or lost each day?",
    order="day desc",
    session=None,
    at=None,
    columns=columns(f"""
day text | date | the day, as 2026-01-31 |
sessions integer | sessions | that made a request on it |
{_NET.strip()}
"""),
)

FLUSH_OUTCOMES = Described(
    "flush_outcomes",
    "What each flush was expected to bring, and what it has brought.",
    question="Did the flushes pay for themselves?",
    order="at desc",
    columns=columns("""
session text | | the session |
turn integer | turn | in which the pages left |
request integer | | the request with which they left |
at real | seconds since the epoch | when |
why text | | its reason |
pages integer | pages | that left |
pages_out integer | pages | of these that are still out |
tokens integer | tokens | that left the window, after stubs (estimate) |
predicted_saving_tokens integer | tokens of plain input | that each request was expected to save |
predicted_rewrite_tokens integer | tokens of plain input | that it was expected to cost, once |
pays_after integer | requests | after which it was expected to have paid | it was expected not to
requests integer | requests | that were billed since |
paid_back integer | requests | after which it had saved what it cost | a loss so far
saved_tokens real | tokens of plain input | that its pages would have cost |
rewritten_tokens real | tokens of plain input | that were written again because of it |
faulted_tokens real | tokens of plain input | that refetches and recalls of its pages cost |
net_tokens real | tokens of plain input | saved less rewritten and faulted; negative is a loss |
net_dollars real | dollars | likewise | no billed request had a known price
"""),
)

PAGE_LIVES = Described(
    "page_lives",
    "The life of each page: what it is, how long it was in the window, how often it came back.",
    question="Which pages took the most room for the longest?",
    order="tokens * turns_resident desc",
    at=None,
    columns=columns("""
session text | | the session |
page text | | its id |
handle text | | the name printed in its stub | it has never been out
tool text | | the tool that brought it |
label text | | what a reader knows the call by |
kind text | | `read`, `query`, `run` or `write` |
state text | | `resident`, `evicted`, `collected` or `gone` |
bytes integer | bytes | of it |
tokens integer | tokens | of it (estimate) |
born integer | turn | in which it came |
last_use integer | turn | in which it was last referenced |
moved integer | turn | in which it left | it is in the window
turns_resident integer | turns | from when it came until it left, or until now; of a page that is
  gone until it was last used |
uses integer | | times that it was referenced again |
copy integer | | how many faults it was brought by: 0 for the first copy |
faults integer | faults | that asked for it while it was out |
pin_strength real | | of its pin | it is not pinned
stale integer | 0 or 1 | a later call changed what it is a copy of |
form text | | how it was first sent: `whole`, `same`, `diff` or `trimmed` |
kept integer | 0 or 1 | its text is in the recording |
digest text | | for `content(digest)` |
"""),
)

FAULTS = Described(
    "faults",
    "Each fault: which page was asked for while it was out, how, and what it brought back.",
    question="What was asked for again after it had left?",
    order="at desc",
    columns=columns("""
session text | | the session |
turn integer | turn | in which it was asked for |
request integer | | the request in which it came |
at real | seconds since the epoch | when |
how text | | `refetch`, `refresh`, `widen` or `recall` |
page text | | the page that was out |
by text | | the page that the call brought |
handle text | | of the page that was out | the page is not recorded
tool text | | that had brought it | the page is not recorded
label text | | what a reader knows its call by | the page is not recorded
tokens integer | tokens | that came back (estimate) |
away integer | turns | since it had left |
"""),
)

THRASH_EPISODES = Described(
    "thrash_episodes",
    "Each stretch in which a session thrashed, what it cost and what was done about it.",
    question="Where did paging thrash, and what did it cost?",
    order="at desc",
    columns=columns("""
session text | | the session |
client text | | the program that talks |
model text | | the model of its last request |
start integer | turn | of its first refetch |
noticed integer | turn | in which it was seen to be one |
ended integer | turn | in which it was seen to be over | it lasts
lasts integer | 0 or 1 | it is not over |
turns integer | turns | from its first refetch to its end, or until now |
at real | seconds since the epoch | when it was noticed |
ended_at real | seconds since the epoch | when it was seen to be over | it lasts
faults integer | refetches | in it |
tokens integer | tokens | that these brought back (estimate) |
bounced integer | pages | that came back twice or more |
tau integer | turns | a page had to be unused to leave, while it lasted | that was not changed
pins integer | | times that the pin of a page was made stronger |
held integer | requests | in which a flush was held back |
cost_tokens real | tokens of plain input | that its refetches cost |
dollars real | dollars | that its refetches cost | the price is not known
"""),
)

TOOL_COSTS = Described(
    "tool_costs",
    "What each tool brought into windows, and how long that stood there.",
    question="Which tools fill the windows?",
    order="token_turns desc",
    session=None,
    at=None,
    columns=columns("""
tool text | | the tool |
kind text | | `read`, `query`, `run` or `write` |
pages integer | pages | that it brought |
sessions integer | sessions | in which it was called |
bytes integer | bytes | of these pages |
tokens integer | tokens | of these pages (estimate) |
resident_tokens integer | tokens | of those that are in the window now (estimate) |
moved integer | pages | that have left |
faults integer | faults | on its pages |
token_turns integer | tokens x turns | its pages, each times the turns it stood in the window: the
  space-time product by which working sets are compared |
"""),
)

WINDOW_FILL = Described(
    "window_fill",
    "What stood in the window of each billed request, by kind, beside its limit.",
    question="How full was the window, and of what?",
    order="at desc",
    columns=columns("""
session text | | the session |
request integer | | number of the request in its session |
turn integer | turn | of the session |
at real | seconds since the epoch | when it was seen |
model text | | the model that was asked |
window_limit integer | tokens | that the model can take | nobody knows, or recorded before 0.6
window_tokens integer | tokens | in the window, as the provider counted |
fill real | 0 to 1 | of the limit | like window_limit
untouched_window_tokens integer | tokens | that would have stood there (estimate) |
front_tokens integer | tokens | of prompt and tools (estimate) | before 0.6
talk_tokens integer | tokens | of what user and model said (estimate) | before 0.6
thought_tokens integer | tokens | of thinking (estimate) | before 0.6
read_tokens integer | tokens | of files (estimate) | before 0.6
query_tokens integer | tokens | of searches, listings, fetches (estimate) | before 0.6
run_tokens integer | tokens | of the output of commands (estimate) | before 0.6
write_tokens integer | tokens | of results of edits (estimate) | before 0.6
stub_tokens integer | tokens | of what stands where pages have left (estimate) | before 0.6
resident_tokens integer | tokens | of all tool results that stand there (estimate) |
pinned_tokens integer | tokens | of those that are pinned (estimate) | before 0.6
working_tokens integer | tokens | W(t, 16): what was used in the last 16 turns | before 0.6
"""),
)

PREFIX_HITS = Described(
    "prefix_hits",
    "How much of what each session sent came from the provider's prefix cache.",
    question="How well was the prefix cache hit?",
    order="last_at desc",
    at="last_at",
    columns=columns("""
session text | | the session |
client text | | the program that talks |
model text | | the model of its last request |
last_at real | seconds since the epoch | its last request |
billed integer | requests | whose reply said what was billed |
sent_tokens integer | tokens | billed on the input side |
cache_read_tokens integer | tokens | of these read from the cache |
cache_write_tokens integer | tokens | of these written to it |
hit_rate real | 0 to 1 | read, of what was sent | nothing was sent
untouched_hit_rate real | 0 to 1 | the same without Pichay (estimate) | nothing would have been
broken integer | requests | in which less came from the cache than it held |
"""),
)

ANSWERS = (
    SESSION_NET,
    DAILY_NET,
    FLUSH_OUTCOMES,
    PAGE_LIVES,
    FAULTS,
    THRASH_EPISODES,
    TOOL_COSTS,
    WINDOW_FILL,
    PREFIX_HITS,
)
