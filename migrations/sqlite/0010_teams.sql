-- Teams, who is in them, and what is theirs. What was there before is in one
-- first team, and everybody who had an account owns it: they could do everything.

create table teams (
    id text primary key not null,
    name text not null,
    created_at bigint not null
);
create unique index teams_name on teams (lower(name));

create table team_members (
    team_id text not null references teams (id) on delete cascade,
    user_id text not null references users (id) on delete cascade,
    role text not null,
    since bigint not null,
    primary key (team_id, user_id)
);
create index team_members_user on team_members (user_id);

insert into teams (id, name, created_at)
    select '00000000-0000-7000-8000-000000000001', 'First team', now from clock;
insert into team_members (team_id, user_id, role, since)
    select '00000000-0000-7000-8000-000000000001', id, 'owner', created_at from users;

-- SQLite adds no column that refers to a table and must not be null. One that is
-- null is in no team, and so seen by nobody.
alter table agents add column team_id text references teams (id);
update agents set team_id = '00000000-0000-7000-8000-000000000001';
create index agents_team on agents (team_id);

alter table tokens add column team_id text references teams (id) on delete cascade;
update tokens set team_id = '00000000-0000-7000-8000-000000000001';
create index tokens_team on tokens (team_id);

-- The name of a secret is unique in its team: the table is made anew, and with
-- it the one that refers to it.
alter table agent_variables rename to old_agent_variables;
alter table secrets rename to old_secrets;
drop index agent_variables_secret;
drop index secrets_owner;

create table secrets (
    id text primary key not null,
    team_id text not null references teams (id),
    name text not null,
    owner_id text not null references users (id),
    sealed text not null,
    created_at bigint not null,
    updated_at bigint not null,
    unique (team_id, name)
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

insert into secrets (id, team_id, name, owner_id, sealed, created_at, updated_at)
    select id, '00000000-0000-7000-8000-000000000001', name, owner_id, sealed, created_at, updated_at from old_secrets;
insert into agent_variables (agent_id, name, position, value, secret_id)
    select agent_id, name, position, value, secret_id from old_agent_variables;
drop table old_agent_variables;
drop table old_secrets;
