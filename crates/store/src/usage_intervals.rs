//! Times in which sandboxes are used. They begin and end in the transactions in
//! which the ledger of sandboxes changes, so that a crash loses none and counts
//! none twice:
//!
//! ```text
//! sandboxes          usage_intervals
//! in use  (run 1) ── running, run 1   begins when the provider has it
//! idle            ── running, no run  ┐ each begins at the moment
//! in use  (run 2) ── running, run 2   ┘ the one before ends
//! deleted         ── ends: now, or where it was found gone, when it was last seen
//! ```
//! A server that dies leaves its intervals open. They are known to have stood
//! until `seen_at`, which drivers and the reaper put on; more is not counted
//! before somebody sees the sandbox again, and an interval whose sandbox is
//! found gone ends there. All times are the database's own.

use crate::{
    Replica, Result, Store,
    session::Session,
    stored,
    value::{Value, values},
};
use model::{
    Amounts, Day, Micros, Millis, Price, Resources, SandboxId, TeamId, UsageState,
    calendar::DAY_MILLISECONDS, money::cost,
};

/// How long an open interval counts on by itself after it was last seen, in milliseconds: the reaper sees
/// every sandbox once in a minute.
pub(crate) const TRUSTED_MILLISECONDS: i64 = 180_000;

/// When an interval ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// At this moment.
    Now,
    /// When the sandbox was last known to be there.
    LastSeen,
    /// At this time, which another clock says, as far as it can be true.
    At(Millis),
}

/// An open interval.
#[derive(sqlx::FromRow)]
struct OpenRow {
    id: String,
    provider: String,
    team_id: String,
    agent_id: String,
    agent_name: String,
    member_id: Option<String>,
    run_id: Option<String>,
    state: String,
    cpu: i64,
    memory_gib: i64,
    disk_gib: i64,
    rate: i64,
    started_at: i64,
    seen_at: i64,
    now: i64,
}

/// What an interval that begins is for.
#[derive(sqlx::FromRow)]
struct NewRow {
    provider: String,
    agent_id: String,
    state: String,
    cpu: i64,
    memory_gib: i64,
    disk_gib: i64,
    created_at: i64,
    team: Option<String>,
    agent_name: Option<String>,
    member: Option<String>,
    run_id: Option<String>,
    cpu_price: i64,
    memory_price: i64,
    disk_price: i64,
    /// The end of the interval before.
    last_end: Option<i64>,
    now: i64,
}

/// A part of an interval within one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) day: Day,
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) cost: Micros,
}

/// Divides a time at midnight, with what each part costs: together what the whole does.
pub(crate) fn pieces(rate: Micros, from: i64, to: i64) -> Vec<Piece> {
    let until = |at: i64| cost(rate, Millis(at).since(Millis(from)));
    let mut pieces = Vec::new();
    let mut at = from;
    loop {
        let day = Day::of(Millis(at));
        let end = to.min(day.begin().0.saturating_add(DAY_MILLISECONDS));
        pieces.push(Piece {
            day,
            from: at,
            to: end,
            cost: until(end) - until(at),
        });
        if end >= to {
            return pieces;
        }
        at = end;
    }
}

impl Session {
    /// Begins an interval of a sandbox, for the run of its row or for none. Where one ended before, the
    /// new one begins there; else at `since`, or now. Nothing happens when one is open already.
    pub(crate) async fn open_usage(
        &mut self,
        sandbox: &SandboxId,
        with_run: bool,
        usage: UsageState,
        since: Option<Millis>,
    ) -> Result<()> {
        let row: Option<NewRow> = self
            .optional(
                "select s.provider, s.agent_id, s.state, s.cpu, s.memory_gib, s.disk_gib, s.created_at,
                 coalesce(a.team_id, (select max(u.team_id) from usage_intervals u where u.sandbox_id = s.id)) as team,
                 a.name as agent_name,
                 coalesce(r.person_id, a.owner_id) as member, s.run_id,
                 p.cpu as cpu_price, p.memory_gib as memory_price, p.disk_gib as disk_price,
                 (select max(u.ended_at) from usage_intervals u where u.sandbox_id = s.id) as last_end, c.now
                 from sandboxes s join prices p on p.id = 1 cross join clock c
                 left join agents a on a.id = s.agent_id left join runs r on r.id = s.run_id
                 where s.id = $1 and not exists
                   (select 1 from usage_intervals o where o.sandbox_id = s.id and o.ended_at is null)",
                values![sandbox],
            )
            .await?;
        let Some(row) = row.filter(|row| row.state != "deleted") else {
            return Ok(());
        };
        let resources = Resources {
            cpu: stored::count(row.cpu),
            memory_gib: stored::count(row.memory_gib),
            disk_gib: stored::count(row.disk_gib),
        };
        let price = Price {
            cpu: Micros(row.cpu_price),
            memory_gib: Micros(row.memory_price),
            disk_gib: Micros(row.disk_price),
        };
        let since = since.map_or(row.now, |since| since.0.max(row.created_at));
        let started_at = row.last_end.unwrap_or(since).min(row.now);
        self.execute(
            "insert into usage_intervals (id, sandbox_id, provider, team_id, agent_id, agent_name, member_id,
             run_id, state, cpu, memory_gib, disk_gib, rate, started_at, seen_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            values![
                &uuid::Uuid::now_v7().to_string(),
                sandbox,
                &row.provider,
                row.team.as_deref().unwrap_or(TeamId::FIRST),
                &row.agent_id,
                row.agent_name.as_deref().unwrap_or("a deleted agent"),
                row.member.as_deref(),
                row.run_id.as_deref().filter(|_| with_run),
                usage.as_str(),
                resources.cpu,
                resources.memory_gib,
                resources.disk_gib,
                price.rate(resources, usage).0,
                started_at,
                row.now,
            ],
        )
        .await?;
        Ok(())
    }

    /// Ends the open interval of a sandbox, if there is one, and adds it to the sums of its days. The
    /// row of the sandbox is locked already.
    pub(crate) async fn close_usage(&mut self, sandbox: &SandboxId, end: End) -> Result<()> {
        let row: Option<OpenRow> = self
            .optional(
                "select id, provider, team_id, agent_id, agent_name, member_id, run_id, state, cpu, memory_gib,
                 disk_gib, rate, started_at, seen_at, now from usage_intervals cross join clock
                 where sandbox_id = $1 and ended_at is null",
                values![sandbox],
            )
            .await?;
        let Some(row) = row else { return Ok(()) };
        let end = match end {
            End::Now => row.now,
            End::LastSeen => row.seen_at,
            End::At(at) => at.0.clamp(row.seen_at.min(row.now), row.now),
        }
        .max(row.started_at);
        for (number, piece) in pieces(Micros(row.rate), row.started_at, end)
            .into_iter()
            .enumerate()
        {
            if number == 0 {
                self.execute(
                    "update usage_intervals set ended_at = $2, day = $3, cost = $4 where id = $1",
                    values![&row.id, piece.to, piece.day.0, piece.cost.0],
                )
                .await?;
            } else {
                self.insert_piece(sandbox, &row, &piece).await?;
            }
            self.add_to_day(&row, &piece).await?;
        }
        Ok(())
    }

    async fn insert_piece(&mut self, sandbox: &SandboxId, row: &OpenRow, piece: &Piece) -> Result<()> {
        self.execute(
            "insert into usage_intervals (id, sandbox_id, provider, team_id, agent_id, agent_name, member_id,
             run_id, state, cpu, memory_gib, disk_gib, rate, started_at, seen_at, ended_at, day, cost)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16, $17)",
            values![
                &uuid::Uuid::now_v7().to_string(),
                sandbox,
                &row.provider,
                &row.team_id,
                &row.agent_id,
                &row.agent_name,
                row.member_id.as_deref(),
                row.run_id.as_deref(),
                &row.state,
                row.cpu,
                row.memory_gib,
                row.disk_gib,
                row.rate,
                piece.from,
                piece.to,
                piece.day.0,
                piece.cost.0,
            ],
        )
        .await?;
        Ok(())
    }

    async fn add_to_day(&mut self, row: &OpenRow, piece: &Piece) -> Result<()> {
        let state = stored::word("a state of usage", &row.state, UsageState::parse)?;
        let resources = Resources {
            cpu: stored::count(row.cpu),
            memory_gib: stored::count(row.memory_gib),
            disk_gib: stored::count(row.disk_gib),
        };
        let milliseconds = Millis(piece.to).since(Millis(piece.from));
        let amounts = Amounts::of(resources, state, milliseconds, piece.cost);
        self.execute(
            "insert into usage_days (team_id, day, agent_id, member_id, agent_name, cost, standing, cpu,
             memory_gib, disk_gib) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             on conflict (team_id, day, agent_id, member_id) do update set
             agent_name = excluded.agent_name, cost = usage_days.cost + excluded.cost,
             standing = usage_days.standing + excluded.standing, cpu = usage_days.cpu + excluded.cpu,
             memory_gib = usage_days.memory_gib + excluded.memory_gib,
             disk_gib = usage_days.disk_gib + excluded.disk_gib",
            values![
                &row.team_id,
                piece.day.0,
                &row.agent_id,
                row.member_id.as_deref().unwrap_or_default(),
                &row.agent_name,
                amounts.cost.0,
                amounts.standing,
                amounts.cpu,
                amounts.memory_gib,
                amounts.disk_gib,
            ],
        )
        .await?;
        Ok(())
    }

    /// Goes on with another use of a sandbox, without a gap.
    pub(crate) async fn change_usage(&mut self, sandbox: &SandboxId, with_run: bool) -> Result<()> {
        let open: Option<(String,)> = self
            .optional(
                "select state from usage_intervals where sandbox_id = $1 and ended_at is null",
                values![sandbox],
            )
            .await?;
        let usage = open.and_then(|(state,)| UsageState::parse(&state));
        self.close_usage(sandbox, End::Now).await?;
        self.open_usage(sandbox, with_run, usage.unwrap_or(UsageState::Running), None)
            .await
    }
}

/// A sandbox as the provider shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenSandbox {
    /// Its row.
    pub id: SandboxId,
    /// How it is counted as it stands.
    pub usage: UsageState,
    /// Since when it is there, by the provider's clock.
    pub created_at: Option<Millis>,
    /// When it last changed, by the provider's clock.
    pub changed_at: Option<Millis>,
}

impl Store {
    /// Notes what the provider shows: that sandboxes are still there, and in which state. One that is
    /// counted in another state goes on in the new one; one that is not counted yet is from its beginning.
    ///
    /// # Errors
    /// When the database cannot be used. Those that were noted by then stay so.
    pub async fn see_sandboxes(&self, seen: &[SeenSandbox]) -> Result<()> {
        for sandbox in seen {
            let mut session = self.writer().await?;
            let same = session
                .execute(
                    "update usage_intervals set seen_at = (select now from clock)
                     where sandbox_id = $1 and ended_at is null and state = $2",
                    values![&sandbox.id, sandbox.usage.as_str()],
                )
                .await?;
            if same == 0 {
                session.see_change(sandbox).await?;
            }
            session.commit_apart().await?;
        }
        Ok(())
    }

    /// Notes that the sandboxes are there whose runs this server drives.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn see_driven_sandboxes(&self, server: &Replica) -> Result<()> {
        let mut session = self.writer().await?;
        session
            .execute(
                "update usage_intervals set seen_at = (select now from clock)
                 where ended_at is null and run_id in
                   (select id from runs where holder = $1 and finished = false and started_at is not null)",
                values![&server.id],
            )
            .await?;
        session.commit_apart().await
    }
}

impl Session {
    async fn see_change(&mut self, sandbox: &SeenSandbox) -> Result<()> {
        // Whoever changes the row meanwhile waits.
        let sql = "update sandboxes set state = state where id = $1 and state <> 'deleted'";
        let id: &[Value<'_>] = values![&sandbox.id];
        if self.execute(sql, id).await? == 0 {
            return Ok(());
        }
        let open: Option<(Option<String>,)> = self
            .optional(
                "select run_id from usage_intervals where sandbox_id = $1 and ended_at is null",
                values![&sandbox.id],
            )
            .await?;
        match open {
            Some((run,)) => {
                let end = sandbox.changed_at.map_or(End::Now, End::At);
                self.close_usage(&sandbox.id, end).await?;
                self.open_usage(&sandbox.id, run.is_some(), sandbox.usage, None)
                    .await
            }
            None => {
                self.open_usage(&sandbox.id, true, sandbox.usage, sandbox.created_at)
                    .await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_divided_at_midnight_and_costs_the_same() {
        let day = DAY_MILLISECONDS;
        let rate = Micros(66_924);
        let parts = pieces(rate, day - 1000, 3 * day + 7);
        let days: Vec<_> = parts.iter().map(|piece| piece.day.0).collect();
        assert_eq!(days, [0, 1, 2, 3]);
        assert!(parts.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert_eq!((parts[0].from, parts[3].to), (day - 1000, 3 * day + 7));
        let sum: Micros = parts.iter().map(|piece| piece.cost).sum();
        assert_eq!(sum, cost(rate, u64::try_from(2 * day + 1007).expect("positive")));
        assert_eq!(pieces(rate, 5, 5).len(), 1, "a moment is one part");
        assert_eq!(pieces(rate, day, 2 * day).len(), 1, "a day ends at its end");
    }
}
