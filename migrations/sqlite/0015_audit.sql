-- Who did what to what, when and from where. Records are only ever added. Each
-- holds the hash of the one before it and the hash of itself, so that whoever
-- changes one has to change all that follow.

create table audit_records (
    seq bigint primary key not null,
    at bigint not null,
    team_id text,
    actor_kind text not null,
    actor_id text,
    actor_name text not null,
    action text not null,
    target_kind text,
    target_id text,
    target_name text,
    address text,
    user_agent text,
    -- As JSON, with its names in order.
    details text not null,
    previous text not null,
    hash text not null
);
create index audit_records_at on audit_records (at);
create index audit_records_team on audit_records (team_id, seq);

-- The newest record: who adds one holds this row until the end of the change.
create table audit_head (
    id bigint primary key not null,
    seq bigint not null,
    hash text not null
);
insert into audit_head (id, seq, hash)
    values (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- How far records were deleted because their time was over: the chain begins
-- behind the newest of these.
create table audit_anchors (
    seq bigint primary key not null,
    hash text not null,
    at bigint not null
);

create trigger audit_records_stay before update on audit_records
begin
    select raise(abort, 'records of the audit log are never changed');
end;
create trigger audit_records_are_kept before delete on audit_records
when old.seq > (select coalesce(max(seq), 0) from audit_anchors)
begin
    select raise(abort, 'records of the audit log are deleted only up to an anchor');
end;
create trigger audit_anchors_are_true before insert on audit_anchors
when not exists (select 1 from audit_records where seq = new.seq and hash = new.hash)
begin
    select raise(abort, 'an anchor of the audit log is one of its records');
end;
create trigger audit_anchors_stay before update on audit_anchors
begin
    select raise(abort, 'anchors of the audit log are never changed');
end;
create trigger audit_anchors_are_kept before delete on audit_anchors
begin
    select raise(abort, 'anchors of the audit log are never deleted');
end;
create trigger audit_head_goes_on before update on audit_head
when new.seq < old.seq
begin
    select raise(abort, 'the audit log only grows');
end;
create trigger audit_head_is_kept before delete on audit_head
begin
    select raise(abort, 'the audit log only grows');
end;
