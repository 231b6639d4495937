"""The tables of sums, which the database keeps itself so that figures need no pass over all."""

from pichay_core.store.described.shapes import Described, columns

EVENT_TOTALS = Described(
    "event_totals",
    "Sums of events by session, day, kind and reason, kept by triggers; `events` says the same.",
    at=None,
    inner=True,
    columns=columns("""
session text | | the session; empty for what belongs to none |
day text | date | the day in UTC |
kind text | | what happened |
why text~ | | the reason; empty if there is none |
about text | | the tool that was asked, the host that was refused, `fault` for a pin that a fault
  set, `again` for a refetch of what one had brought; else empty |
events integer | events | of these |
count integer | | how often it happened: of what the provider cleared the pages, else the events |
messages integer | messages | that were collapsed in them |
tokens integer | tokens | of what it happened to (estimate) |
"""),
)

TURN_TOTALS = Described(
    "turn_totals",
    "Sums of turns by session, day, model and outcome, kept by triggers; `turns` says the same.",
    at=None,
    inner=True,
    columns=columns("""
session text | | the session |
day text | date | the day in UTC |
model text | | the model that was asked |
own integer | 0 or 1 | the client's own requests; 0: those that Pichay made in its place |
outcome text | | as in `turns` |
why text~ | | as in `turns`; empty if there is none |
flushed text | | as in `turns`; empty if nothing left |
requests integer | requests | of these |
settled integer | requests | of these that were billed |
priced integer | requests | of these whose price is known |
input integer | tokens | billed as plain input |
cache_read integer | tokens | billed as read from the prefix cache |
cache_write integer | tokens | billed as written to it |
output integer | tokens | billed as output |
untouched_input integer | tokens | plain input without Pichay (estimate) |
untouched_cache_read integer | tokens | read without Pichay (estimate) |
untouched_cache_write integer | tokens | written without Pichay (estimate) |
untouched_output integer | tokens | output without Pichay (estimate) |
dollars real | dollars | that they cost |
untouched_dollars real | dollars | that they would have cost (estimate) |
thinking integer | tokens | of thinking that they were sent without (estimate) |
prefix_breaks integer | requests | in which less came from the cache than it held |
born integer | requests | in which something went out smaller from the first time |
definitions integer | tokens | of tool definitions that were not sent (estimate) |
protocol integer | tokens | that tell the model of paging (estimate) |
shortened integer | tokens | left out of results the first time they were sent (estimate) |
birth_saved real | tokens of plain input | saved by what went out smaller |
birth_priced integer | requests | in which that has a price |
birth_dollars real | dollars | saved by what went out smaller |
"""),
)

SUMS = (EVENT_TOTALS, TURN_TOTALS)
