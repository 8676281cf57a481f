-- The ledger of sandboxes. A row outlives its agent and its run, so neither is
-- a foreign key: it stays until the provider confirms that the sandbox is gone.

create table sandboxes (
    id text primary key not null,
    provider text not null,
    provider_id text,
    agent_id text not null,
    run_id text,
    state text not null,
    cpu bigint not null,
    memory_gib bigint not null,
    disk_gib bigint not null,
    created_at bigint not null,
    used_at bigint not null,
    expires_at bigint
);
create index sandboxes_agent on sandboxes (agent_id);
create index sandboxes_not_deleted on sandboxes (created_at) where state <> 'deleted';
