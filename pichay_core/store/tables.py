"""The tables as SQL, as each migration made them: never changed, only added to."""

FLUSHES = """
create table flushes (
    session text not null references sessions (id),
    turn integer not null,
    request integer not null,
    at real not null,
    why text not null,
    pages integer not null,
    tokens integer not null,
    predicted_saving_tokens integer not null,
    predicted_rewrite_tokens integer not null,
    paid_tokens integer not null,
    requests integer not null default 0,
    saved_tokens real not null default 0,
    rewritten_tokens real not null default 0,
    faulted_tokens real not null default 0,
    saved_dollars real,
    rewritten_dollars real,
    faulted_dollars real,
    paid_back integer,
    primary key (session, turn)
)
"""
"""Of version 0.2."""
FIRST = """
create table sessions (
    id text primary key,
    identity text not null,
    shape text not null,
    secret blob not null,
    kind text not null,
    parent text,
    model text not null,
    credential text not null,
    source text not null,
    started_at real not null,
    last_at real not null,
    turn integer not null,
    requests integer not null,
    ttl integer not null,
    flushed integer,
    boundary text,
    previous text,
    front text not null,
    failures integer not null,
    frozen text,
    warned text not null,
    cached integer not null,
    untouched_cached integer not null
);
create index sessions_identity on sessions (identity);
create index sessions_last_at on sessions (last_at);
create table turns (
    session text not null references sessions (id),
    request integer not null,
    turn integer not null,
    at real not null,
    model text not null,
    outcome text not null,
    why text,
    messages integer not null,
    bytes_before integer not null,
    bytes_after integer not null,
    removed_tokens integer not null,
    refetched_tokens integer not null,
    resident_tokens integer not null,
    pending_tokens integer not null,
    flushed text,
    held_pages integer not null,
    held_tokens integer not null,
    held_why text,
    overhead_microseconds integer not null,
    status integer,
    input_tokens integer,
    cache_read_tokens integer,
    cache_write_5m_tokens integer,
    cache_write_1h_tokens integer,
    output_tokens integer,
    untouched_input_tokens integer,
    untouched_cache_read_tokens integer,
    untouched_cache_write_tokens integer,
    untouched_output_tokens integer,
    dollars real,
    untouched_dollars real,
    prefix_broken integer,
    primary key (session, request)
);
create index turns_at on turns (at);
create table pages (
    session text not null references sessions (id),
    id text not null,
    position integer not null,
    handle text,
    call_id text not null,
    tool text not null,
    arguments text not null,
    label text not null,
    kind text not null,
    key_tool text,
    key_target text,
    span_first integer,
    span_last integer,
    writes text,
    digest text not null,
    bytes integer not null,
    lines integer not null,
    tokens integer not null,
    counted_tokens integer,
    error integer not null,
    opaque integer not null,
    cleared integer not null,
    state text not null,
    born integer not null,
    last_use integer not null,
    uses integer not null,
    faults integer not null,
    pin_strength real,
    pin_since integer,
    moved integer,
    stale integer not null,
    repairs text,
    repaired_stale integer not null,
    primary key (session, id)
);
create index pages_handle on pages (handle);
create table contents (
    digest text primary key,
    bytes integer not null,
    zstd blob not null,
    first_at real not null
);
create table events (
    id integer primary key,
    session text,
    request integer,
    turn integer,
    at real not null,
    kind text not null,
    page text,
    tokens integer,
    why text,
    detail text not null
);
create index events_session on events (session, request);
create index events_kind on events (kind, at);
create table messages (
    session text not null references sessions (id),
    position integer not null,
    digest blob not null,
    primary key (session, position)
) without rowid;
create table calibrations (
    model text primary key,
    multiplier real not null,
    samples integer not null
)
"""
"""Of version 0.1."""
BIRTH = """
alter table sessions add birth text;
alter table sessions add mode text not null default '';
alter table sessions add cleared_pages integer not null default 0;
alter table sessions add cleared_tokens integer not null default 0;
alter table sessions add client text not null default '';
alter table sessions add project text not null default '';
alter table sessions add held text;
alter table sessions add stripped integer not null default 0;
alter table pages add form text;
alter table pages add source text;
alter table pages add form_bytes integer;
alter table turns add definitions_tokens integer not null default 0;
alter table turns add protocol_tokens integer not null default 0;
alter table turns add shortened_tokens integer not null default 0;
alter table turns add thinking_tokens integer not null default 0;
alter table turns add cleared_tokens integer not null default 0;
alter table turns add birth_saved_tokens real not null default 0;
alter table turns add birth_saved_dollars real;
create index sessions_project on sessions (project, client, kind, last_at);
create index pages_tool on pages (session, tool)
"""
"""Of version 0.3."""
UNSEEN = """
create table asides (
    id integer primary key,
    session text not null references sessions (id),
    at integer not null,
    leg integer not null,
    reply text not null,
    results text not null,
    goes_on integer not null,
    sent integer not null
);
create index asides_session on asides (session, sent);
create table heard (
    session text not null references sessions (id),
    position integer not null,
    digest blob not null,
    primary key (session, position)
) without rowid;
alter table sessions add folds text;
alter table sessions add notes text;
alter table pages add released integer;
alter table pages add summary text;
alter table turns add leg integer not null default 0;
alter table turns add asked integer not null default 0
"""
"""Of version 0.4."""
WIRES = """
alter table sessions add wire text not null default '';
alter table sessions add provider text not null default '';
update sessions set wire = 'anthropic'
"""
"""Of version 0.5."""
LOOKING = """
alter table sessions add watch text;
alter table turns add window_limit integer;
alter table turns add front_tokens integer;
alter table turns add talk_tokens integer;
alter table turns add thought_tokens integer;
alter table turns add read_tokens integer;
alter table turns add query_tokens integer;
alter table turns add run_tokens integer;
alter table turns add write_tokens integer;
alter table turns add stub_tokens integer;
alter table turns add pinned_tokens integer;
alter table turns add working_tokens integer;
alter table turns add working_curve text;
alter table turns add read_dollars real;
alter table turns add output_dollars real;
create table definitions (
    session text not null references sessions (id),
    tool text not null,
    request integer not null,
    bytes integer not null,
    sent_bytes integer not null,
    primary key (session, tool)
) without rowid;
create table episodes (
    session text not null references sessions (id),
    start integer not null,
    noticed integer not null,
    ended integer,
    request integer not null,
    at real not null,
    ended_at real,
    faults integer not null,
    tokens integer not null,
    bounced integer not null,
    pages text not null,
    tau integer,
    pins integer not null default 0,
    held integer not null default 0,
    cost_tokens real not null default 0,
    dollars real,
    primary key (session, start)
)
"""
"""Of version 0.6."""
QUICKER = """
create index events_at on events (at);
create index pages_pinned on pages (session) where pin_strength is not null;
create index turns_held on turns (held_why, held_tokens) where held_tokens > 0;
create index events_faulted on events (kind, why, id) where kind = 'faulted'
"""
"""Of version 0.6: indexes alone."""
