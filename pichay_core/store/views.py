"""Views: the common questions, asked of the tables in SQL under names that stay.

Rule of this file: a view adds and joins, it judges nothing, and says the same as the verb that
answers the same question. Views are code and no data: a database that is opened to be written to
gets those of this version. They name tables without a schema, so that they can also stand on the
tables of an older recording as ``completed.py`` fills them up.
"""

import sqlite3
from collections.abc import Iterator

_SENT = "input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens"
_UNTOUCHED = "untouched_input_tokens + untouched_cache_read_tokens + untouched_cache_write_tokens"
_NET = f"""
    count(request) - count(case when leg > 0 then 1 end) as requests,
    count(case when leg > 0 then 1 end) as legs,
    count(input_tokens) as billed,
    count(dollars) as priced,
    coalesce(sum({_SENT}), 0) as sent_tokens,
    coalesce(sum({_UNTOUCHED}), 0) as untouched_sent_tokens,
    coalesce(sum({_UNTOUCHED}), 0) - coalesce(sum({_SENT}), 0) as saved_tokens,
    coalesce(sum(output_tokens), 0) as output_tokens,
    coalesce(sum(untouched_output_tokens), 0) as untouched_output_tokens,
    sum(turns.dollars) as dollars,
    sum(untouched_dollars) as untouched_dollars,
    sum(untouched_dollars) - sum(turns.dollars) as saved_dollars"""

_SESSION_NET = f"""
select sessions.id as session, sessions.kind, sessions.parent, sessions.client, sessions.project,
    sessions.model, sessions.mode, sessions.started_at, sessions.last_at,
    sessions.turn as turns,{_NET},
    coalesce(moves.evictions, 0) as evictions, coalesce(moves.faults, 0) as faults
from sessions left join turns on turns.session = sessions.id
    left join (
        select session, sum(iif(kind = 'faulted', count, 0)) as faults, sum(iif(
            kind = 'evicted' or kind = 'cleared' and why = 'asked by us', count, 0)) as evictions
        from event_totals group by session
    ) as moves on moves.session = sessions.id
group by sessions.id"""

_DAILY_NET = f"""
select date(at, 'unixepoch', 'localtime') as day, count(distinct session) as sessions,{_NET}
from turns group by 1"""

_FLUSH_OUTCOMES = """
select flushes.session, turn, request, at, why, pages, coalesce(still.out, 0) as pages_out, tokens,
    predicted_saving_tokens, predicted_rewrite_tokens,
    case when predicted_saving_tokens > 0 then max(1,
        (predicted_rewrite_tokens + predicted_saving_tokens - 1) / predicted_saving_tokens
    ) end as pays_after,
    requests, paid_back, saved_tokens, rewritten_tokens, faulted_tokens,
    saved_tokens - rewritten_tokens - faulted_tokens as net_tokens,
    saved_dollars - coalesce(rewritten_dollars, 0) - coalesce(faulted_dollars, 0) as net_dollars
from flushes left join (
        select session, moved, count(*) as out from pages
        where state in ('evicted', 'collected') group by session, moved
    ) as still on still.session = flushes.session and still.moved = flushes.turn"""

_PAGE_LIVES = """
select pages.session, pages.id as page, handle, tool, label, pages.kind, state, bytes, tokens,
    born, last_use, moved,
    case state when 'gone' then last_use else coalesce(moved, sessions.turn) end - born
        as turns_resident,
    uses, pages.faults as copy,
    coalesce(asked.faults, 0) as faults,
    pin_strength, stale, coalesce(form, 'whole') as form,
    exists (select 1 from contents where contents.digest = pages.digest) as kept, pages.digest
from pages join sessions on sessions.id = pages.session
    left join (
        select session, page, count(*) as faults from events
        where kind = 'faulted' group by session, page
    ) as asked on asked.session = pages.session and asked.page = pages.id"""

_FAULTS = """
select events.session, events.turn, events.request, events.at, events.why as how,
    events.page, json_extract(detail, '$.by') as by, handle, tool, label, events.tokens,
    json_extract(detail, '$.away') as away
from events left join pages on pages.session = events.session and pages.id = events.page
where events.kind = 'faulted'"""

_THRASH_EPISODES = """
select episodes.session, client, model, start, noticed, ended, ended is null as lasts,
    coalesce(ended, sessions.turn) - start + 1 as turns, at, ended_at, episodes.faults, tokens,
    bounced, tau, pins, episodes.held, cost_tokens, dollars
from episodes join sessions on sessions.id = episodes.session"""

_TOOL_COSTS = """
select tool, kind, count(*) as pages, count(distinct session) as sessions, sum(bytes) as bytes,
    sum(tokens) as tokens,
    sum(case when state = 'resident' then tokens else 0 end) as resident_tokens,
    count(case when moved is not null then 1 end) as moved,
    sum(faults) as faults,
    sum(tokens * (turns_resident + 1)) as token_turns
from page_lives group by tool, kind"""

_WINDOW_FILL = f"""
select session, request, turn, at, model, window_limit, {_SENT} as window_tokens,
    1.0 * ({_SENT}) / window_limit as fill,
    {_UNTOUCHED} as untouched_window_tokens,
    front_tokens, talk_tokens, thought_tokens, read_tokens, query_tokens, run_tokens, write_tokens,
    stub_tokens, resident_tokens, pinned_tokens, working_tokens
from turns where input_tokens is not null"""

_PREFIX_HITS = f"""
select session, sessions.client, sessions.model, sessions.last_at, count(*) as billed,
    sum({_SENT}) as sent_tokens,
    sum(cache_read_tokens) as cache_read_tokens,
    sum(cache_write_5m_tokens + cache_write_1h_tokens) as cache_write_tokens,
    1.0 * sum(cache_read_tokens) / nullif(sum({_SENT}), 0) as hit_rate,
    1.0 * sum(untouched_cache_read_tokens) / nullif(sum({_UNTOUCHED}), 0) as untouched_hit_rate,
    sum(prefix_broken) as broken
from turns join sessions on sessions.id = turns.session
where input_tokens is not null group by session"""

VIEWS = {
    "session_net": _SESSION_NET,
    "daily_net": _DAILY_NET,
    "flush_outcomes": _FLUSH_OUTCOMES,
    "page_lives": _PAGE_LIVES,
    "faults": _FAULTS,
    "thrash_episodes": _THRASH_EPISODES,
    "tool_costs": _TOOL_COSTS,
    "window_fill": _WINDOW_FILL,
    "prefix_hits": _PREFIX_HITS,
}
"""Each view by its name, what it needs of the others before it."""


def statement(name: str, keyword: str = "VIEW") -> str:
    """Return the statement that makes a view; *keyword* says where."""
    return f"CREATE {keyword} {name} AS{VIEWS[name]}"


def refresh(connection: sqlite3.Connection) -> None:
    """Give a database that is open for writing the views of this version; the caller commits."""
    for name in list(stale(connection)):
        connection.execute(f"drop view if exists {name}")
        connection.execute(statement(name))


def stale(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield the views that a database has not got as this version makes them."""
    found = connection.execute("select name, sql from main.sqlite_master where type = 'view'")
    there = dict(found.fetchall())
    yield from (name for name in VIEWS if there.get(name) != statement(name))
