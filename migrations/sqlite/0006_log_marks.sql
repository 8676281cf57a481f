-- Where the masking of a log is taken up again after a restart: places and
-- lengths, never what is held back.

alter table log_chunks add column mark text;
