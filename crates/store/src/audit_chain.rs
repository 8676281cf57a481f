//! Checking the chain of the audit log, and letting its oldest records go.
//!
//! ```text
//! anchor (seq 40, hash h40) ◀── 41 ◀── 42 ◀── … ◀── head (seq 57, hash h57)
//! ```
//! Each record holds the hash of the one before. What was deleted because its
//! time was over ends in an anchor, which the first record left refers to; the
//! head says which record is the newest, so that a cut at the end shows as well.

use crate::{Doing, Result, Store, StoreError, audit_hash, value::values};
use model::{Action, Actor, ActorKind, AuditRecord, Millis};

/// How many records are read at once.
const PAGE: u32 = 500;

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// Every record is as it was written.
    Whole {
        /// How many there are.
        records: u64,
        /// The first and the last, when there are any.
        range: Option<(i64, i64)>,
        /// The hash of the last.
        hash: String,
    },
    /// Something was changed.
    Broken {
        /// The first record that is wrong, or is missing.
        seq: i64,
        /// What is wrong with it.
        why: String,
    },
}

/// Follows a chain record by record.
#[derive(Clone, Debug)]
pub struct Chain {
    last: Option<(i64, String)>,
    first: Option<i64>,
    records: u64,
    gaps: bool,
}

impl Chain {
    /// One that begins behind a record with this number and hash.
    #[must_use]
    pub fn after(seq: i64, hash: impl Into<String>) -> Self {
        Self {
            last: Some((seq, hash.into())),
            ..Self::of_a_part()
        }
    }

    /// One that begins anywhere and may lack records, as what was filtered does: each is checked by
    /// itself, and against its neighbour where that is there.
    #[must_use]
    pub const fn of_a_part() -> Self {
        Self {
            last: None,
            first: None,
            records: 0,
            gaps: false,
        }
    }

    /// Whether records were missing in between.
    #[must_use]
    pub const fn has_gaps(&self) -> bool {
        self.gaps
    }

    /// Takes the next record. `whole` says that none may be missing.
    ///
    /// # Errors
    /// What is wrong with it, and which it is.
    pub fn take(&mut self, record: &AuditRecord, whole: bool) -> Result<(), Checked> {
        let broken = |seq, why: String| Err(Checked::Broken { seq, why });
        if let Some((last, hash)) = &self.last {
            let next = last + 1;
            if record.seq < next {
                return broken(
                    record.seq,
                    format!("record {} comes after record {last}", record.seq),
                );
            }
            if record.seq > next {
                if whole {
                    return broken(next, format!("record {next} is missing"));
                }
                self.gaps = true;
            } else if record.previous != *hash {
                return broken(
                    record.seq,
                    format!(
                        "record {} does not follow the record before it as that is now",
                        record.seq
                    ),
                );
            }
        }
        if audit_hash(record) != record.hash {
            return broken(
                record.seq,
                format!("record {} was changed after it was written", record.seq),
            );
        }
        self.first.get_or_insert(record.seq);
        self.records += 1;
        self.last = Some((record.seq, record.hash.clone()));
        Ok(())
    }

    /// What came of it.
    #[must_use]
    pub fn end(self) -> Checked {
        let (last, hash) = self.last.unwrap_or((0, AuditRecord::NOTHING.to_owned()));
        Checked::Whole {
            records: self.records,
            range: self.first.map(|first| (first, last)),
            hash,
        }
    }
}

impl Store {
    /// Checks every record against its hash and its neighbours, from the anchor to the head.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn check_audit(&self) -> Result<Checked> {
        // First: records that are added meanwhile come after it.
        let (head, head_hash): (i64, String) = self
            .reader()
            .await?
            .one("select seq, hash from audit_head where id = 1", &[])
            .await?;
        let anchor = self.audit_anchor().await?;
        let (mut place, hash) = anchor.unwrap_or((0, AuditRecord::NOTHING.to_owned()));
        let mut chain = Chain::after(place, hash);
        loop {
            let page = self.all_audit_records_after(place, PAGE).await?;
            let Some(last) = page.last() else { break };
            place = last.seq;
            for record in &page {
                if let Err(broken) = chain.take(record, true) {
                    return Ok(broken);
                }
                if record.seq == head && record.hash != head_hash {
                    return Ok(Checked::Broken {
                        seq: head,
                        why: format!("record {head} is not the one that was added as the newest"),
                    });
                }
            }
        }
        if place < head {
            return Ok(Checked::Broken {
                seq: place + 1,
                why: format!("the records from {} to {head} are missing", place + 1),
            });
        }
        Ok(chain.end())
    }

    /// The last record that was let go, with its hash.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn audit_anchor(&self) -> Result<Option<(i64, String)>> {
        self.reader()
            .await?
            .optional(
                "select seq, hash from audit_anchors order by seq desc limit 1",
                &[],
            )
            .await
    }

    /// Lets records go that are older than `before`, from the oldest on and never the newest one; says
    /// how many. The record before the first that is left stays as an anchor.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn prune_audit(&self, before: Millis) -> Result<u64> {
        let mut session = self.writer().await?;
        // Nobody adds one meanwhile, and no other server lets any go.
        session
            .execute("update audit_head set seq = seq where id = 1", &[])
            .await?;
        let last: Option<(i64, String)> = session
            .optional(
                "select seq, hash from audit_records
                 where seq < (select coalesce(min(seq), (select seq from audit_head where id = 1))
                              from audit_records where at >= $1)
                 order by seq desc limit 1",
                values![before],
            )
            .await?;
        let Some((seq, hash)) = last else { return Ok(0) };
        session
            .execute(
                "insert into audit_anchors (seq, hash, at) select $1, $2, now from clock",
                values![seq, &hash],
            )
            .await?;
        let gone = session
            .execute("delete from audit_records where seq <= $1", values![seq])
            .await?;
        let doing = Doing::new(Actor::new(ActorKind::System, None, "Pitlane"), Action::AuditPrune);
        doing.add_detail("records", &gone.to_string());
        doing.add_detail("up_to", &seq.to_string());
        doing.add_detail("hash", &hash);
        session.record(&doing).await?;
        session.commit_apart().await?;
        Ok(gone)
    }
}

/// Reads one line of an export.
///
/// # Errors
/// When it is no record.
pub fn read_audit_line(line: &str) -> Result<AuditRecord> {
    serde_json::from_str(line).map_err(|error| {
        StoreError::Invalid(model::Invalid(format!(
            "This is no record of the audit log: {error}."
        )))
    })
}
