-- What sandboxes use, what it costs, and what teams may spend. Amounts are
-- millionths of a US dollar.

-- Per hour of one vCPU, one GiB of memory and one GiB of disk: the table that
-- intervals begun from now on are counted at. Here Daytona's, until a server
-- with another one starts.
create table prices (
    id bigint primary key not null,
    cpu bigint not null,
    memory_gib bigint not null,
    disk_gib bigint not null
);
insert into prices (id, cpu, memory_gib, disk_gib) values (1, 50400, 16200, 108);

-- Who asked for a run: who its cost is counted for.
alter table runs add column person_id text;

-- A time in which a sandbox stood in one state for one run, or for none. The
-- rows of a sandbox follow each other without a gap. A row outlives its agent,
-- run and member. One that has ended lies in one day of UTC: what goes on over
-- midnight is divided when it ends.
create table usage_intervals (
    id text primary key not null,
    sandbox_id text not null,
    provider text not null,
    team_id text not null,
    agent_id text not null,
    agent_name text not null,
    member_id text,
    run_id text,
    -- running, stopped or archived.
    state text not null,
    cpu bigint not null,
    memory_gib bigint not null,
    disk_gib bigint not null,
    -- What it costs per hour.
    rate bigint not null,
    started_at bigint not null,
    -- The last time at which the sandbox was known to stand so.
    seen_at bigint not null,
    -- These three are null as long as it goes on.
    ended_at bigint,
    day bigint,
    cost bigint
);
-- A sandbox is counted once at a time, whatever happens.
create unique index usage_intervals_open on usage_intervals (sandbox_id) where ended_at is null;
create index usage_intervals_sandbox on usage_intervals (sandbox_id, started_at);
create index usage_intervals_run on usage_intervals (run_id);
create index usage_intervals_team on usage_intervals (team_id, started_at, id);

-- Sums of the ended rows, written with them.
create table usage_days (
    team_id text not null,
    day bigint not null,
    agent_id text not null,
    -- Empty when nobody is known.
    member_id text not null,
    agent_name text not null,
    cost bigint not null,
    -- Milliseconds, and milliseconds times vCPU and GiB.
    standing bigint not null,
    cpu bigint not null,
    memory_gib bigint not null,
    disk_gib bigint not null,
    primary key (team_id, day, agent_id, member_id)
);

create table team_budgets (
    team_id text primary key not null,
    -- Null for no limit.
    monthly bigint,
    free_credit bigint not null,
    updated_at bigint not null
);

-- A budget was used to so many percent: once per month each.
create table budget_events (
    team_id text not null,
    -- Such as 2026-11.
    month text not null,
    percent bigint not null,
    at bigint not null,
    primary key (team_id, month, percent)
);
