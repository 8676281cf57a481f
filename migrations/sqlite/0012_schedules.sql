-- What started a run, and the schedules that start runs by themselves.

-- person, token, schedule or webhook; which one of them; and its name then.
alter table runs add column trigger_kind text not null default 'person';
alter table runs add column trigger_id text;
alter table runs add column trigger_name text;
create index runs_trigger on runs (trigger_kind, trigger_id) where finished = false;

create table schedules (
    id text primary key not null,
    agent_id text not null references agents (id) on delete cascade,
    name text not null,
    cron text not null,
    -- A name of the IANA time zone database.
    zone text not null,
    -- skip or run_once: what becomes of times at which no server was there.
    missed text not null,
    -- skip, queue or stop_former: what becomes of a time at which the former run goes on.
    overlap text not null,
    is_on boolean not null,
    -- Whose share of the places its runs take.
    user_id text not null references users (id) on delete cascade,
    created_at bigint not null,
    -- When it is due next; null when it is off, or never due again.
    next_at bigint
);
create index schedules_agent on schedules (agent_id);
create index schedules_user on schedules (user_id);
create index schedules_next on schedules (next_at) where is_on = true;

-- One row for each time a schedule was due: who writes it first has the right to fire.
create table schedule_firings (
    schedule_id text not null references schedules (id) on delete cascade,
    due_at bigint not null,
    -- Made with the row, so that firing again after a crash is the same run.
    run_id text not null,
    -- waiting, started, skipped, missed or failed.
    state text not null,
    -- The server that sees to it while it waits.
    server text not null,
    at bigint not null,
    words text,
    primary key (schedule_id, due_at)
);
create index schedule_firings_waiting on schedule_firings (due_at) where state = 'waiting';
