-- The studio runs an agent once at a time; programs and clocks run it as often at once as they like.

alter table runs add column in_studio boolean not null default true;
create index runs_in_studio on runs (agent_id, number) where in_studio = true;
