//! Revisions: the files of an agent as they were at one moment.

use crate::{
    Result, Store, StoreError, agents, blobs,
    files::{self, EntryRow},
    session::Session,
    stored,
    value::values,
};
use model::{AgentId, FileEntry, FilePath, Millis, RevisionId};
use sha2::{Digest, Sha256};

/// An agent's files at one moment; never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its id.
    pub id: RevisionId,
    /// Whose.
    pub agent: AgentId,
    /// Counts the agent's revisions from 1.
    pub number: i64,
    /// When it was made.
    pub created_at: Millis,
    /// Its files, in order of path.
    pub files: Vec<FileEntry>,
}

#[derive(sqlx::FromRow)]
struct RevisionRow {
    id: String,
    agent_id: String,
    number: i64,
    content: String,
    created_at: i64,
}

impl Store {
    /// Makes a revision of the agent's files; the newest one again when nothing changed since.
    ///
    /// # Errors
    /// `NotFound` when there is no such agent.
    pub async fn snapshot(&self, agent: &AgentId) -> Result<Revision> {
        // Most often nothing changed since, and nobody has to wait for those who write: the files were
        // once, while this was read, what that revision holds.
        let mut reader = self.reader().await?;
        let files = files::entries(&mut reader, agent).await?;
        if let Some(newest) = newest_with(&mut reader, agent, &content(&files)).await? {
            return read(&mut reader, newest).await;
        }
        drop(reader);
        let mut session = self.writer().await?;
        agents::lock(&mut session, agent).await?;
        let files = files::entries(&mut session, agent).await?;
        let content = content(&files);
        if let Some(newest) = newest_with(&mut session, agent, &content).await? {
            return read(&mut session, newest).await;
        }
        let (id, now) = (RevisionId::generate(), Millis::now());
        let number = insert(&mut session, &id, agent, &content, now).await?;
        session
            .execute(
                "insert into revision_files (revision_id, path, sha256, size, version, updated_at)
                 select $1, path, sha256, size, version, updated_at from files where agent_id = $2",
                values![&id, agent],
            )
            .await?;
        session.commit_apart().await?;
        Ok(Revision {
            id,
            agent: agent.clone(),
            number,
            created_at: now,
            files,
        })
    }

    /// Makes a revision of these files, which the agent itself does not have.
    ///
    /// # Errors
    /// `NotFound` when there is no such agent, `Invalid` or `Conflict` when the files break a rule.
    pub async fn snapshot_of(&self, agent: &AgentId, files: &[(FilePath, Vec<u8>)]) -> Result<Revision> {
        files::check_all(files)?;
        let (id, now) = (RevisionId::generate(), Millis::now());
        let mut entries: Vec<_> = files
            .iter()
            .map(|(path, bytes)| FileEntry {
                path: path.clone(),
                sha256: blobs::sha256(bytes),
                size: bytes.len() as u64,
                version: 1,
                updated_at: now,
            })
            .collect();
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        let mut session = self.writer().await?;
        agents::lock(&mut session, agent).await?;
        let number = insert(&mut session, &id, agent, &content(&entries), now).await?;
        for (path, bytes) in files {
            let sha256 = blobs::sha256(bytes);
            blobs::put(&mut session, &sha256, bytes, now).await?;
            session
                .execute(
                    "insert into revision_files (revision_id, path, sha256, size, version, updated_at)
                     values ($1, $2, $3, $4, 1, $5)",
                    values![&id, path, &sha256, bytes.len() as u64, now],
                )
                .await?;
        }
        session.commit_apart().await?;
        Ok(Revision {
            id,
            agent: agent.clone(),
            number,
            created_at: now,
            files: entries,
        })
    }

    /// Revisions of an agent, newest first, those with a number less than `before`; at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn revisions_before(
        &self,
        agent: &AgentId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Revision>> {
        let mut session = self.reader().await?;
        let rows: Vec<RevisionRow> = session
            .all(
                "select id, agent_id, number, content, created_at from revisions
                 where agent_id = $1 and number < $2 order by number desc limit $3",
                values![agent, before.unwrap_or(i64::MAX), limit],
            )
            .await?;
        let mut revisions = Vec::with_capacity(rows.len());
        for row in rows {
            revisions.push(read(&mut session, row).await?);
        }
        Ok(revisions)
    }

    /// The revision of this id.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn revision(&self, id: &RevisionId) -> Result<Revision> {
        let mut session = self.reader().await?;
        let row: Option<RevisionRow> = session
            .optional(
                "select id, agent_id, number, content, created_at from revisions where id = $1",
                values![id],
            )
            .await?;
        read(&mut session, row.ok_or_else(|| missing(id))?).await
    }

    /// The files of a revision with their bytes, in order of path.
    ///
    /// # Errors
    /// `NotFound` when there is no such revision.
    pub async fn revision_files(&self, id: &RevisionId) -> Result<Vec<(FilePath, Vec<u8>)>> {
        let mut session = self.reader().await?;
        let rows: Vec<(String, Vec<u8>)> = session
            .all(
                "select f.path, b.body from revision_files f join blobs b on b.sha256 = f.sha256
                 where f.revision_id = $1 order by f.path",
                values![id],
            )
            .await?;
        if rows.is_empty() {
            let there: Option<(String,)> = session
                .optional("select id from revisions where id = $1", values![id])
                .await?;
            there.ok_or_else(|| missing(id))?;
        }
        rows.into_iter()
            .map(|(path, body)| Ok((stored::text("the path of a file", path)?, body)))
            .collect()
    }
}

/// The agent's newest revision, when it has this content.
async fn newest_with(session: &mut Session, agent: &AgentId, content: &str) -> Result<Option<RevisionRow>> {
    let newest: Option<RevisionRow> = session
        .optional(
            "select id, agent_id, number, content, created_at from revisions
             where agent_id = $1 order by number desc limit 1",
            values![agent],
        )
        .await?;
    Ok(newest.filter(|newest| newest.content == content))
}

/// Inserts the row under the agent's next number, and gives that.
async fn insert(
    session: &mut Session,
    id: &RevisionId,
    agent: &AgentId,
    content: &str,
    now: Millis,
) -> Result<i64> {
    let (number,): (i64,) = session
        .one(
            "update agents set revision_number = revision_number + 1 where id = $1
             returning revision_number",
            values![agent],
        )
        .await?;
    session
        .execute(
            "insert into revisions (id, agent_id, number, content, created_at)
             values ($1, $2, $3, $4, $5)",
            values![id, agent, number, content, now],
        )
        .await?;
    Ok(number)
}

pub(crate) fn missing(id: &RevisionId) -> StoreError {
    StoreError::NotFound(format!("There is no revision {id}. Was its agent deleted?"))
}

async fn read(session: &mut Session, row: RevisionRow) -> Result<Revision> {
    let files: Vec<EntryRow> = session
        .all(
            "select path, sha256, size, version, updated_at from revision_files
             where revision_id = $1 order by path",
            values![&row.id],
        )
        .await?;
    Ok(Revision {
        id: stored::text("the id of a revision", row.id)?,
        agent: stored::text("the id of an agent", row.agent_id)?,
        number: row.number,
        created_at: Millis(row.created_at),
        files: files.into_iter().map(EntryRow::read).collect::<Result<_>>()?,
    })
}

/// SHA-256 over the paths and contents. A path holds no line break, so no two
/// sets of files give the same text.
fn content(files: &[FileEntry]) -> String {
    let mut hash = Sha256::new();
    for file in files {
        hash.update(format!("{} {}\n", file.sha256, file.path));
    }
    hex::encode(hash.finalize())
}
