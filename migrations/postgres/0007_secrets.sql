-- Secrets, the variables of agents, and what runs under way were given. Sealed
-- values are encrypted; the key is not in the database.

create table secrets (
    id text primary key not null,
    name text not null unique,
    owner_id text not null references users (id),
    sealed text not null,
    created_at bigint not null,
    updated_at bigint not null
);
create index secrets_owner on secrets (owner_id);

create table agent_variables (
    agent_id text not null references agents (id) on delete cascade,
    name text not null,
    position bigint not null,
    -- A plain value, or the secret whose value it is when a run starts.
    value text,
    secret_id text references secrets (id),
    primary key (agent_id, name)
);
create index agent_variables_secret on agent_variables (secret_id);

-- What has to be masked in the output of a run until it has ended, whatever
-- becomes of its secrets meanwhile.
create table run_environments (
    run_id text primary key not null references runs (id) on delete cascade,
    sealed text not null
);
