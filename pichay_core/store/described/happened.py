"""The tables of what happened: sessions, flushes, episodes, events."""

from pichay_core.store.described.shapes import Described, columns

SESSIONS = Described(
    "sessions",
    "One conversation, as it stood after its last request; a subagent is a session of its own.",
    session="id",
    at="last_at",
    columns=columns("""
id text | | name of the session; `pichay show` takes any beginning |
identity text | | hash of what its requests are recognised by |
shape text | | hashes of its system prompt and of the names of its tools |
secret blob | | sixteen random bytes from which handles are made; never exported |
kind text | | `main`, `subagent`, `side` (another prompt beside a conversation) or `fork` |
parent text | | the session that it began from | it began by itself
model text | | the model of its last request |
credential text | | kind of credential: `api key`, `subscription`, `signed`, `bearer` or `none`;
  never the credential |
source text | | what it was recognised by: `header`, `metadata` or `content` |
started_at real | seconds since the epoch | its first request |
last_at real | seconds since the epoch | its last request |
turn integer | turns | its clock: user messages and sets of tool results so far |
requests integer | requests | made so far, those that Pichay made in the client's place among them |
ttl integer | seconds | how long the provider keeps its prefix |
flushed integer | turn | of the last flush | nothing has left yet
boundary text | | the last page that was out after the last flush | nothing has left yet
previous text | | the boundary before that | there was at most one flush
front text | | hashes of what stood before the messages of the last requests, with the model |
failures integer | | times that something inside Pichay went wrong |
frozen text~ | | why it is only observed from now on | it is not
warned text | | warnings that the user was given, one a line |
cached integer | tokens | that the provider holds of its prefix |
untouched_cached integer | tokens | that it would hold untouched (estimate) |
edited integer | 0 or 1 | other bytes than the client's have gone upstream |
binds integer | 0 or 1 | its model binds thinking to what stands before it | recorded before 0.2
birth text | JSON | what it was given at its birth: definitions in short, protocol, tools of
  memory | it goes out as the client sends it
mode text | | the mode of its last request; empty if recorded before 0.3 |
cleared_pages integer | pages | that the provider itself had left out of the last request |
cleared_tokens integer | tokens | of these |
client text | | the program that talks, by its user agent; empty if that says nothing |
project text | | the folder it works in; empty if it does not say |
held text~ | | why no more pages leave, though those that are out stay out | they may
stripped integer | messages | from the first on that are sent without their thinking |
folds text* | JSON | turns that summaries of the model's stand for | there are none
notes text | JSON | what the model was told of its window, and where | it was told nothing
wire text | | format of its requests: `anthropic`, `openai_chat`, `openai_responses` or `gemini` |
provider text | | who serves it, as the price list has it; empty if that goes by the model |
watch text | JSON | what is remembered of its refetches, by which thrash is seen | there were none
"""),
)

FLUSHES = Described(
    "flushes",
    "One turn in which pages left together: what it was expected to bring, and has brought so far.",
    columns=columns("""
session text | | the session |
turn integer | turn | in which the pages left |
request integer | | the request of the session with which they left |
at real | seconds since the epoch | when |
why text | | `break-even`, `cold`, `pressure`, `batch`, `every-turn` or what else was its reason |
pages integer | pages | that left |
tokens integer | tokens | that left the window, after stubs (estimate) |
predicted_saving_tokens integer | tokens of plain input | that each request was expected to save |
predicted_rewrite_tokens integer | tokens of plain input | that it was expected to cost, once |
paid_tokens integer | tokens of plain input | that keeping the pages until then had cost |
requests integer | requests | that were billed since, its own among them |
saved_tokens real | tokens of plain input | that its pages would have cost in these requests |
rewritten_tokens real | tokens of plain input | that were written to the cache again because of it |
faulted_tokens real | tokens of plain input | that refetches and recalls of its pages cost |
saved_dollars real | dollars | like saved_tokens | no billed request had a known price
rewritten_dollars real | dollars | like rewritten_tokens | no billed request had a known price
faulted_dollars real | dollars | like faulted_tokens | no billed request had a known price
paid_back integer | requests | after which it had saved what it cost, and has since | a loss so far
"""),
)

EPISODES = Described(
    "episodes",
    "One stretch of a session in which it thrashed: pages left while pages came back.",
    columns=columns("""
session text | | the session |
start integer | turn | of its first refetch |
noticed integer | turn | in which it was seen to be one |
ended integer | turn | in which it was seen to be over | it lasts
request integer | | the request of the session with which it was noticed |
at real | seconds since the epoch | when it was noticed |
ended_at real | seconds since the epoch | when it was seen to be over | it lasts
faults integer | refetches | in it, so far |
tokens integer | tokens | that these brought back (estimate) |
bounced integer | pages | that came back twice or more |
pages text | JSON | the pages that came back: id and how often |
tau integer | turns | a page had to be unused to leave, while it lasted | that was not changed
pins integer | | times that the pin of a page was made stronger |
held integer | requests | in which a flush was held back |
cost_tokens real | tokens of plain input | that its refetches cost |
dollars real | dollars | that its refetches cost | the price is not known
"""),
)

EVENTS = Described(
    "events",
    "One thing that happened: evicted, collected, faulted, pinned, flushed, passed, ...",
    columns=columns("""
id integer | | in the order in which they were recorded |
session text | | the session | it belongs to none: traffic that passed, a refused certificate
request integer | | the request of the session with which it happened | it happened outside of one
turn integer | turn | likewise | it happened outside of a request
at real | seconds since the epoch | when |
kind text | | what happened: the name of the event in small letters |
page text | | the page it happened to: `pages.id` | it happened to no single page
tokens integer | tokens | of what it happened to (estimate) | it has no size
why text~ | | the reason; of a fault how: `refetch`, `refresh`, `widen` or `recall` | it needs none
detail text | JSON | what else is known, by names that depend on the kind: handle, age, by, away |
"""),
)

HAPPENED = (SESSIONS, FLUSHES, EPISODES, EVENTS)
