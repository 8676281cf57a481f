//! The audit log: adding records and reading them. `audit_chain` checks it.

use crate::{
    Result, Store,
    doing::Doing,
    session::Session,
    stored,
    value::{values, without_nul},
};
use model::{ActorKind, AuditFilter, AuditRecord, Millis, TeamId};
use sha2::{Digest as _, Sha256};

/// The most records one page holds.
const MAX_PAGE: u32 = 1000;

macro_rules! columns {
    () => {
        "seq, at, team_id, actor_kind, actor_id, actor_name, action, target_kind, target_id, target_name,
         address, user_agent, details, previous, hash"
    };
}

#[derive(sqlx::FromRow)]
pub(crate) struct AuditRow {
    seq: i64,
    at: i64,
    team_id: Option<String>,
    actor_kind: String,
    actor_id: Option<String>,
    actor_name: String,
    action: String,
    target_kind: Option<String>,
    target_id: Option<String>,
    target_name: Option<String>,
    address: Option<String>,
    user_agent: Option<String>,
    details: String,
    previous: String,
    hash: String,
}

impl AuditRow {
    pub(crate) fn read(self) -> Result<AuditRecord> {
        Ok(AuditRecord {
            seq: self.seq,
            at: Millis(self.at),
            team: self
                .team_id
                .map(|id| stored::text("the id of a team", id))
                .transpose()?,
            actor_kind: stored::word("a kind of actor", &self.actor_kind, ActorKind::parse)?,
            actor_id: self.actor_id,
            actor_name: self.actor_name,
            action: self.action,
            target_kind: self.target_kind,
            target_id: self.target_id,
            target_name: self.target_name,
            address: self.address,
            user_agent: self.user_agent,
            details: stored::json("the details of a record", &self.details)?,
            previous: self.previous,
            hash: self.hash,
        })
    }
}

/// The hash of a record: the SHA-256 of it as compact JSON without its last field, `hash`.
#[must_use]
pub fn audit_hash(record: &AuditRecord) -> String {
    let mut json = serde_json::to_value(record).unwrap_or_default();
    // `Value` sorts the names of objects, so the order is made here.
    let mut canonical = String::from("{");
    for name in FIELDS {
        if canonical.len() > 1 {
            canonical.push(',');
        }
        let value = json
            .get_mut(name)
            .map(serde_json::Value::take)
            .unwrap_or_default();
        canonical.push_str(&format!("\"{name}\":{value}"));
    }
    canonical.push('}');
    hex::encode(Sha256::digest(canonical))
}

/// The fields of a record that its hash covers, in their order.
const FIELDS: [&str; 14] = [
    "seq",
    "at",
    "team",
    "actor_kind",
    "actor_id",
    "actor_name",
    "action",
    "target_kind",
    "target_id",
    "target_name",
    "address",
    "user_agent",
    "details",
    "previous",
];

impl Session {
    /// Adds the record of a doing. Others that add one wait until this session ends, so it is the last
    /// thing a change does.
    pub(crate) async fn record(&mut self, doing: &Doing) -> Result<()> {
        let (seq, previous): (i64, String) = self
            .one(
                "update audit_head set seq = seq + 1 where id = 1 returning seq, hash",
                &[],
            )
            .await?;
        let (now,): (i64,) = self.one("select now from clock", &[]).await?;
        let (actor, about) = (doing.actor(), doing.about());
        let clean = |text: String| without_nul(&text).into_owned();
        let target = about.target;
        let mut record = AuditRecord {
            seq,
            at: Millis(now),
            team: doing.team.clone(),
            actor_kind: actor.kind,
            actor_id: actor.id.map(clean),
            actor_name: clean(actor.name),
            action: doing.action.as_str().to_owned(),
            target_kind: target.as_ref().map(|target| target.kind.clone()),
            target_id: target.as_ref().map(|target| clean(target.id.clone())),
            target_name: target
                .map(|target| clean(target.name))
                .filter(|name| !name.is_empty()),
            address: doing.address.clone(),
            user_agent: doing.user_agent.clone(),
            details: about.details,
            previous,
            hash: String::new(),
        };
        record.hash = audit_hash(&record);
        self.execute(
            concat!(
                "insert into audit_records (",
                columns!(),
                ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
            ),
            values![
                record.seq,
                record.at,
                record.team.as_ref().map(TeamId::as_str),
                record.actor_kind.as_str(),
                record.actor_id.as_deref(),
                &record.actor_name,
                &record.action,
                record.target_kind.as_deref(),
                record.target_id.as_deref(),
                record.target_name.as_deref(),
                record.address.as_deref(),
                record.user_agent.as_deref(),
                &stored::to_json(&record.details),
                &record.previous,
                &record.hash,
            ],
        )
        .await?;
        self.execute(
            "update audit_head set hash = $1 where id = 1",
            values![&record.hash],
        )
        .await?;
        Ok(())
    }
}

impl Store {
    /// Records that a team may see, newest first, those before record `before`: its own, and for the
    /// first team those that concern the whole instance. At most `limit` and at most 1000.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn audit_records(
        &self,
        team: &TeamId,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>> {
        let sql = concat!(
            "select ",
            columns!(),
            " from audit_records where seq < $1
             and (team_id = $2 or ($3 and team_id is null))
             and ($4 = '' or actor_id = $4 or lower(actor_name) like $5 escape '\\')
             and ($6 = '' or action = $6 or action like $7 escape '\\')
             and ($8 = '' or target_id = $8 or lower(target_name) like $9 escape '\\' or target_kind = $8)
             and at >= $10 and at < $11
             order by seq desc limit $12"
        );
        self.filtered_audit(sql, team, filter, before.unwrap_or(i64::MAX), limit)
            .await
    }

    /// The same, oldest first, those after record `after`: to take all of them away.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn audit_records_after(
        &self,
        team: &TeamId,
        filter: &AuditFilter,
        after: i64,
        limit: u32,
    ) -> Result<Vec<AuditRecord>> {
        let sql = concat!(
            "select ",
            columns!(),
            " from audit_records where seq > $1
             and (team_id = $2 or ($3 and team_id is null))
             and ($4 = '' or actor_id = $4 or lower(actor_name) like $5 escape '\\')
             and ($6 = '' or action = $6 or action like $7 escape '\\')
             and ($8 = '' or target_id = $8 or lower(target_name) like $9 escape '\\' or target_kind = $8)
             and at >= $10 and at < $11
             order by seq limit $12"
        );
        self.filtered_audit(sql, team, filter, after, limit).await
    }

    async fn filtered_audit(
        &self,
        sql: &'static str,
        team: &TeamId,
        filter: &AuditFilter,
        place: i64,
        limit: u32,
    ) -> Result<Vec<AuditRecord>> {
        let part = |text: &str| format!("%{}%", escaped(&text.trim().to_lowercase()));
        let action = filter.action.trim();
        let rows: Vec<AuditRow> = self
            .reader()
            .await?
            .all(
                sql,
                values![
                    place,
                    team,
                    team.as_str() == TeamId::FIRST,
                    filter.who.trim(),
                    &part(&filter.who),
                    action,
                    &format!("{}.%", escaped(action)),
                    filter.target.trim(),
                    &part(&filter.target),
                    filter.from.unwrap_or(Millis(i64::MIN)),
                    filter.to.unwrap_or(Millis(i64::MAX)),
                    limit.min(MAX_PAGE),
                ],
            )
            .await?;
        rows.into_iter().map(AuditRow::read).collect()
    }

    /// All records after record `after`, oldest first, whatever team they are of.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn all_audit_records_after(&self, after: i64, limit: u32) -> Result<Vec<AuditRecord>> {
        let rows: Vec<AuditRow> = self
            .reader()
            .await?
            .all(
                concat!(
                    "select ",
                    columns!(),
                    " from audit_records where seq > $1 order by seq limit $2"
                ),
                values![after, limit.min(MAX_PAGE)],
            )
            .await?;
        rows.into_iter().map(AuditRow::read).collect()
    }
}

/// A text of which every character means itself in a pattern.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if ['%', '_', '\\'].contains(&c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
