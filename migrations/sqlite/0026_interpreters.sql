-- Pythons that keep their variables, each in a sandbox of its own. Its row goes
-- when it ends; the sandbox, whose row stays until it is gone, goes after it.

create table interpreters (
    id text primary key not null,
    agent_id text not null references agents (id) on delete cascade,
    user_id text not null references users (id) on delete cascade,
    sandbox_id text not null unique,
    -- The server that makes it, until it is ready.
    maker text,
    -- The provider's name of it; none until it is ready.
    context text,
    -- What is masked in what it says, sealed.
    masked text,
    cells bigint not null default 0,
    created_at bigint not null,
    used_at bigint not null,
    expires_at bigint not null
);
create index interpreters_agent on interpreters (agent_id);
create index interpreters_user on interpreters (user_id);
create index interpreters_expires on interpreters (expires_at);
