//! The store's tests. Each runs on SQLite, and on PostgreSQL too when
//! `TEST_DATABASE_URL` names a server (`cargo xtask test` starts one).

mod accounts;
mod agents;
mod audit;
mod files;
mod fresh;
mod interpreters;
mod leases;
mod log_chunks;
mod made_once;
mod older;
mod one_text;
mod opening;
mod revisions;
mod runs;
mod sandboxes;
mod schedules;
mod secrets;
mod teams;
mod throughput;
mod tokens;
mod transfer;
mod usage;
mod users;
mod webhooks;
