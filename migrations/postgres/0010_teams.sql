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

alter table agents add column team_id text references teams (id);
update agents set team_id = '00000000-0000-7000-8000-000000000001';
alter table agents alter column team_id set not null;
create index agents_team on agents (team_id);

alter table tokens add column team_id text references teams (id) on delete cascade;
update tokens set team_id = '00000000-0000-7000-8000-000000000001';
alter table tokens alter column team_id set not null;
create index tokens_team on tokens (team_id);

-- The name of a secret is unique in its team.
alter table secrets add column team_id text references teams (id);
update secrets set team_id = '00000000-0000-7000-8000-000000000001';
alter table secrets alter column team_id set not null;
alter table secrets drop constraint secrets_name_key;
alter table secrets add unique (team_id, name);
