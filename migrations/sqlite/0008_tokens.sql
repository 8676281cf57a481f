-- The tokens of programs. Their text is not in the database.

create table tokens (
    id text primary key not null,
    user_id text not null references users (id) on delete cascade,
    name text not null,
    sha256 text not null unique,
    -- Permissions, as JSON.
    scopes text not null,
    created_at bigint not null,
    expires_at bigint,
    used_at bigint
);
create index tokens_user on tokens (user_id);
