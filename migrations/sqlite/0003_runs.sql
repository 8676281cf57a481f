-- Runs, what happened to them, and their logs.

create table runs (
    id text primary key not null,
    agent_id text not null references agents (id) on delete cascade,
    revision_id text not null references revisions (id) on delete cascade,
    number bigint not null,
    state text not null,
    -- Whether the state is an end: our own reading of it, for the indexes.
    finished boolean not null,
    reason text,
    language text not null,
    entrypoint text not null,
    args text not null,
    timeout_seconds bigint not null,
    exit_code bigint,
    provider text not null,
    sandbox text,
    -- Where the program is found again after a restart.
    session text,
    command text,
    phases text not null,
    log_bytes bigint not null default 0,
    log_lines bigint not null default 0,
    log_end text,
    created_at bigint not null,
    started_at bigint,
    ended_at bigint,
    stop text,
    unique (agent_id, number)
);
create index runs_revision on runs (revision_id);
create index runs_created on runs (created_at, id);
create index runs_unfinished on runs (agent_id) where finished = false;

create table run_events (
    run_id text not null references runs (id) on delete cascade,
    seq bigint not null,
    at bigint not null,
    log_offset bigint not null,
    kind text not null,
    primary key (run_id, seq)
);

create table log_chunks (
    run_id text not null references runs (id) on delete cascade,
    -- The bytes of the log from first_offset up to, not with, last_offset.
    first_offset bigint not null,
    last_offset bigint not null,
    first_line bigint not null,
    at bigint not null,
    body blob not null,
    primary key (run_id, first_offset)
);
create index log_chunks_line on log_chunks (run_id, first_line, first_offset);
