-- Accounts, and the one-time tokens that sign them in.

create table users (
    id text primary key not null,
    name text not null,
    role text not null,
    password_hash text,
    created_at bigint not null
);
create unique index users_name on users (lower(name));

create table sign_in_tokens (
    sha256 text primary key not null,
    user_id text not null references users (id) on delete cascade,
    expires_at bigint not null
);
create index sign_in_tokens_user on sign_in_tokens (user_id);
