-- Webhooks: addresses that start runs, and addresses that are told what happened.
-- Sealed values are encrypted; the key is not in the database.

-- The webhook of an agent.
create table agent_hooks (
    agent_id text primary key not null references agents (id) on delete cascade,
    -- In its address.
    id text not null unique,
    sealed text not null,
    -- The secret before the last rotation, and until when it counts.
    sealed_previous text,
    previous_until bigint,
    is_on boolean not null,
    -- stdin or file: how the program is given the body.
    body text not null,
    -- Whose share of the places its runs take.
    user_id text not null references users (id) on delete cascade,
    created_at bigint not null,
    used_at bigint
);
create index agent_hooks_user on agent_hooks (user_id);

-- Messages that came, as long as one could be sent again.
create table hook_messages (
    hook_id text not null references agent_hooks (id) on delete cascade,
    message_id text not null,
    sha256 text not null,
    run_id text not null,
    at bigint not null,
    primary key (hook_id, message_id)
);
create index hook_messages_at on hook_messages (at);

-- Addresses that are told of events.
create table webhook_targets (
    id text primary key not null,
    team_id text not null,
    url text not null,
    -- Kinds of events, as JSON.
    events text not null,
    sealed text not null,
    sealed_previous text,
    previous_until bigint,
    is_on boolean not null,
    -- Why it was switched off, when nobody did.
    off_reason text,
    created_at bigint not null
);
create index webhook_targets_team on webhook_targets (team_id);

-- What happened, as it is sent: written in the transaction in which it happens.
create table webhook_messages (
    id text primary key not null,
    team_id text not null,
    event text not null,
    body text not null,
    created_at bigint not null
);
create index webhook_messages_created on webhook_messages (created_at);

-- A message on its way to one address.
create table webhook_deliveries (
    id text primary key not null,
    message_id text not null references webhook_messages (id) on delete cascade,
    target_id text not null references webhook_targets (id) on delete cascade,
    -- waiting, delivered, failed or cancelled.
    state text not null,
    -- Attempts since it was sent or replayed, which say how long the next pause is.
    tries bigint not null,
    next_at bigint not null,
    -- Until when one server alone sees to it.
    claimed_until bigint not null,
    created_at bigint not null,
    unique (message_id, target_id)
);
create index webhook_deliveries_target on webhook_deliveries (target_id, created_at);
create index webhook_deliveries_waiting on webhook_deliveries (next_at) where state = 'waiting';

-- What came of each attempt.
create table webhook_attempts (
    delivery_id text not null references webhook_deliveries (id) on delete cascade,
    number bigint not null,
    at bigint not null,
    took bigint not null,
    -- The status of the answer; null when there was none.
    status bigint,
    -- The first bytes of the answer, or why there was none.
    words text not null,
    primary key (delivery_id, number)
);
