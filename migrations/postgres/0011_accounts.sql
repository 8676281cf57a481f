-- What becomes of accounts, where they are signed in, and what else than a
-- password signs them in.

alter table users add column disabled_at bigint;
-- The row of a deleted account stays: what it made belongs to a team, and says
-- who made it. Its name is free for another.
alter table users add column deleted_at bigint;
drop index users_name;
create unique index users_name on users (lower(name)) where deleted_at is null;

-- `sign_in`, or `reset` for one that is good for a new password.
alter table sign_in_tokens add column purpose text not null default 'sign_in';

-- A browser that is signed in. The session of its cookie names this row, and
-- is worth nothing without it.
create table sessions (
    id text primary key not null,
    user_id text not null references users (id) on delete cascade,
    browser text not null,
    address text not null,
    way text not null,
    created_at bigint not null,
    used_at bigint not null
);
create index sessions_user on sessions (user_id, used_at);
create index sessions_used on sessions (used_at);

-- Who an account is to an OpenID Connect provider.
create table identities (
    issuer text not null,
    subject text not null,
    user_id text not null references users (id) on delete cascade,
    -- What the provider calls them, for people to read.
    label text not null,
    created_at bigint not null,
    used_at bigint not null,
    primary key (issuer, subject)
);
create index identities_user on identities (user_id);

-- A link that makes an account in a team, or takes one into it, once. The
-- link's text is not in the database.
create table invitations (
    id text primary key not null,
    sha256 text not null unique,
    team_id text not null references teams (id) on delete cascade,
    role text not null,
    -- For whom it is, in the words of who made it.
    note text not null,
    created_by text not null references users (id),
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint,
    used_by text references users (id)
);
create index invitations_team on invitations (team_id);
create index invitations_creator on invitations (created_by);
