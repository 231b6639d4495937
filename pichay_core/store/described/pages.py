"""The tables of what stood in windows, and of what a restart needs."""

from pichay_core.store.described.shapes import Described, columns

_CALL = """
session text | | the session |
id text | | hash of call, place, key and content; `events.page` names it |
position integer | | order of admission in its session, from 0 |
handle text | | the name printed in its stub | it has never been out
call_id text | | the provider's name of the call |
tool text | | the tool that was called |
arguments text* | JSON | its arguments, keys sorted |
label text | | what a reader knows the call by: a path, a pattern, a command |
kind text | | `read`, `query`, `run` (ephemeral) or `write` |
key_tool text | | the tool that must be called to want it again | nothing can ask for it
key_target text* | | what that call must name | nothing can ask for it
span_first integer | line | the first of the range it holds | nothing can ask for it
span_last integer | line | the last | it goes to the end, or nothing can ask for it
writes text | | what the call changed | it changed no named thing
digest text | | hash of the content; `contents.digest` |
bytes integer | bytes | of the text that the model read |
lines integer | lines | of it |
tokens integer | tokens | of it, by its bytes: what decisions are made with (estimate) |
counted_tokens integer | tokens | of it, counted in the o200k vocabulary | not counted (yet)
error integer | 0 or 1 | the call failed: it is never moved |
opaque integer | 0 or 1 | it holds an image or the like: it is never moved |
cleared integer | 0 or 1 | the client itself put a placeholder there |
"""
_ENTRY = """
state text | | `resident`, `evicted`, `collected` or `gone` (no longer sent by the client) |
born integer | turn | in which it came |
last_use integer | turn | in which it was last referenced |
uses integer | | times that it was referenced again |
faults integer | | how many faults on this content it was brought by: 0 for the first copy |
pin_strength real | | strength of its pin | it is not pinned
pin_since integer | turn | in which the pin was set | it is not pinned
moved integer | turn | in which it left; `flushes.turn` | it is in the window
stale integer | 0 or 1 | a later call changed what it is a copy of |
repairs text | | the page whose content stands here instead of a note of the client's | it stands
  for itself
repaired_stale integer | 0 or 1 | that content was stale |
request integer | | the request in which it first stood in the window | recorded before 0.2, or gone
  by then
message integer | | number of its message there | like request
form text | | how it was first sent: `same` (by a line that names an earlier one), `diff` or
  `trimmed` | it was sent whole
source text | | the page that such a line or diff refers to | it refers to none
form_bytes integer | bytes | of it in that form | it was sent whole
released integer | turn | in which the model let it go | it has not
summary text* | | what the model said stands in for it | it said nothing
"""
PAGES = Described(
    "pages",
    "One tool result, and where it is now: what may leave the window and come back.",
    at=None,
    columns=columns(_CALL.strip() + _ENTRY),
)

CONTENTS = Described(
    "contents",
    "The text of a page that left the window (or of collapsed turns), once, by its hash.",
    session=None,
    at="first_at",
    inner=True,
    columns=columns("""
digest text | | hash of the text; `pages.digest` |
bytes integer | bytes | of the text |
zstd blob* | | the text, compressed; `content(digest)` returns it in `pichay sql` |
first_at real | seconds since the epoch | when it was kept first |
"""),
)

ASIDES = Described(
    "asides",
    "What passed between the model and Pichay that the client was not shown.",
    at=None,
    inner=True,
    columns=columns("""
id integer | | in the order in which they were recorded |
session text | | the session |
at integer | | number of the client's message that the reply is part of, from 0 |
leg integer | | which of the requests within the one that the client made, from 0 |
reply text* | JSON | what the model said |
results text* | JSON | what its calls were answered with |
goes_on integer | 0 or 1 | another request of Pichay's answered it |
sent integer | 0 or 1 | it is told again with every request |
"""),
)

MESSAGES = Described(
    "messages",
    "Hashes of a conversation as the model sees it, by which it is recognised after a restart.",
    at=None,
    inner=True,
    columns=columns("""
session text | | the session |
position integer | | number of the message, from 0 |
digest blob | | hash of it |
"""),
)

HEARD = Described(
    "heard",
    "The same hashes of what the client itself sends, where the model sees something else.",
    at=None,
    inner=True,
    columns=columns("""
session text | | the session |
position integer | | number of the message, from 0 |
digest blob | | hash of it |
"""),
)

CALIBRATIONS = Described(
    "calibrations",
    "How many tokens of a model one token of the o200k vocabulary is, learned from its bills.",
    session=None,
    at=None,
    inner=True,
    columns=columns("""
model text | | the model |
multiplier real | tokens per token | of its own for each of o200k |
samples integer | requests | that it was learned from |
"""),
)

RESTART = (CONTENTS, ASIDES, MESSAGES, HEARD, CALIBRATIONS)
