-- What was sent with the keys of requests that may be sent again: a hash. The
-- run may be refused after its request is noted, so it is no foreign key.

create table run_requests (
    run_id text primary key not null,
    sha256 text not null,
    created_at bigint not null
);
create index run_requests_created on run_requests (created_at);
