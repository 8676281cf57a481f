-- Agents, their files, and their revisions. The bytes of files live in blobs,
-- once per content.

create table agents (
    id text primary key not null,
    slug text not null unique,
    name text not null,
    description text not null,
    language text not null,
    entrypoint text,
    timeout_seconds bigint not null,
    keep_minutes bigint not null,
    cpu bigint not null,
    memory_gib bigint not null,
    disk_gib bigint not null,
    owner_id text not null references users (id),
    -- Count the revisions and runs made so far.
    revision_number bigint not null default 0,
    run_number bigint not null default 0,
    created_at bigint not null,
    updated_at bigint not null
);
create index agents_owner on agents (owner_id);

create table blobs (
    sha256 text primary key not null,
    -- When it was last put here; what was put a moment ago is about to be referred to.
    put_at bigint not null,
    size bigint not null,
    body blob not null
);

create table files (
    agent_id text not null references agents (id) on delete cascade,
    path text not null,
    sha256 text not null references blobs (sha256),
    size bigint not null,
    version bigint not null,
    updated_at bigint not null,
    primary key (agent_id, path)
);
create index files_blob on files (sha256);

create table revisions (
    id text primary key not null,
    agent_id text not null references agents (id) on delete cascade,
    number bigint not null,
    -- SHA-256 over its paths and contents: tells whether anything changed since.
    content text not null,
    created_at bigint not null,
    unique (agent_id, number)
);

create table revision_files (
    revision_id text not null references revisions (id) on delete cascade,
    path text not null,
    sha256 text not null references blobs (sha256),
    size bigint not null,
    version bigint not null,
    updated_at bigint not null,
    primary key (revision_id, path)
);
create index revision_files_blob on revision_files (sha256);
