-- Several servers on one database: who drives which run, and what they ask of each other.

-- The database's own time, in unix milliseconds: the clocks of servers differ.
create view clock as select cast(extract(epoch from clock_timestamp()) * 1000 as bigint) as now;

-- A server is alive until its lease ends, and renews it all the time.
create table servers (
    id text primary key not null,
    -- The same after a restart of the same server.
    name text not null,
    lease_until bigint not null
);

-- The installation's name at the provider, where all its servers share one.
create table installation (
    id bigint primary key not null,
    name text not null
);

-- Whose provider the run is at: only a server that uses it too can take the run over.
alter table runs add column instance text;
-- The server that drives it, and how often it was given to one: who has an older number may not write.
alter table runs add column holder text;
alter table runs add column fence bigint not null default 0;

alter table sandboxes add column instance text;
-- The server that put the files in last, and so knows which they are.
alter table sandboxes add column filled_by text;

-- What a server asks of the one that drives a run.
create table driver_requests (
    id text primary key not null,
    run_id text not null references runs (id) on delete cascade,
    at bigint not null,
    kind text not null,
    body bytea not null,
    eof boolean not null,
    -- The fence of the driver that was given it.
    taken bigint,
    -- Empty when it was done, else why not.
    answer text
);
create index driver_requests_run on driver_requests (run_id, at, id);
