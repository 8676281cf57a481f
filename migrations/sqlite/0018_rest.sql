-- What requests with an Idempotency-Key have made, so that the same request
-- again makes nothing new and is answered in the same way.

create table made_once (
    -- SHA-256 of who asks and of the key.
    id text primary key not null,
    -- SHA-256 of what was asked for.
    sha256 text not null,
    -- None while it is being made.
    status bigint,
    location text,
    -- None when it may be told only once.
    body text,
    created_at bigint not null
);
create index made_once_created on made_once (created_at);
