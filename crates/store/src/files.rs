//! The files of agents, as they are edited.

use crate::{Result, Store, StoreError, agents, blobs, file_rules, session::Session, stored, value::values};
use model::{AgentId, FileContent, FileEntry, FilePath, Millis, SaveOutcome, file::check_size};

pub(crate) use file_rules::check_all;

/// What lists show of a file, of an agent or a revision.
#[derive(sqlx::FromRow)]
pub(crate) struct EntryRow {
    path: String,
    sha256: String,
    size: i64,
    version: i64,
    updated_at: i64,
}

impl EntryRow {
    pub(crate) fn read(self) -> Result<FileEntry> {
        Ok(FileEntry {
            path: stored::text("the path of a file", self.path)?,
            sha256: self.sha256,
            size: stored::size(self.size),
            version: self.version,
            updated_at: Millis(self.updated_at),
        })
    }
}

impl Store {
    /// An agent's files, in order of path.
    ///
    /// # Errors
    /// `NotFound` when there is no such agent.
    pub async fn list_files(&self, agent: &AgentId) -> Result<Vec<FileEntry>> {
        let mut session = self.reader().await?;
        let files = entries(&mut session, agent).await?;
        if files.is_empty() {
            let there: Option<(String,)> = session
                .optional("select id from agents where id = $1", values![agent])
                .await?;
            there.ok_or_else(|| agents::missing(agent))?;
        }
        Ok(files)
    }

    /// A file with its text.
    ///
    /// # Errors
    /// `NotFound` when there is no such file.
    pub async fn read_file(&self, agent: &AgentId, path: &FilePath) -> Result<FileContent> {
        let mut session = self.reader().await?;
        let entry = entry(&mut session, agent, path)
            .await?
            .ok_or_else(|| missing(path))?;
        content(&mut session, entry).await
    }

    /// A file's bytes.
    ///
    /// # Errors
    /// `NotFound` when there is no such file.
    pub async fn file_bytes(&self, agent: &AgentId, path: &FilePath) -> Result<Vec<u8>> {
        let body: Option<(Vec<u8>,)> = self
            .reader()
            .await?
            .optional(
                "select b.body from files f join blobs b on b.sha256 = f.sha256
                 where f.agent_id = $1 and f.path = $2",
                values![agent, path],
            )
            .await?;
        Ok(body.ok_or_else(|| missing(path))?.0)
    }

    /// Saves a file if its version still is `base_version`; none makes a new file. When somebody else
    /// saved in between, nothing is changed and the outcome holds the file as it is now. Saving the bytes
    /// it has already makes no new version.
    ///
    /// # Errors
    /// `Invalid` when a limit would be passed, `Conflict` when a folder has this name or a file the name
    /// of one of its folders, `NotFound` when there is no such agent, or the file was deleted meanwhile.
    pub async fn save_file(
        &self,
        agent: &AgentId,
        path: &FilePath,
        bytes: &[u8],
        base_version: Option<i64>,
    ) -> Result<SaveOutcome> {
        let size = bytes.len() as u64;
        check_size(path, size)?;
        let sha256 = blobs::sha256(bytes);
        let now = Millis::now();
        let mut session = self.writer().await?;
        agents::touch(&mut session, agent, now).await?;
        let version = match (entry(&mut session, agent, path).await?, base_version) {
            (Some(current), Some(_)) if current.sha256 == sha256 => return Ok(SaveOutcome::Saved(current)),
            (Some(current), base) if base != Some(current.version) => {
                return Ok(SaveOutcome::Conflict(content(&mut session, current).await?));
            }
            (None, Some(_)) => {
                return Err(StoreError::NotFound(format!(
                    "{path} was deleted or renamed meanwhile, so it was not saved. Create it again to keep it."
                )));
            }
            (None, None) => {
                file_rules::check_place(path, &entries(&mut session, agent).await?, size)?;
                1
            }
            (Some(current), _) => {
                file_rules::check_growth(path, &current, &entries(&mut session, agent).await?, size)?;
                current.version + 1
            }
        };
        blobs::put(&mut session, &sha256, bytes, now).await?;
        session
            .execute(
                "insert into files (agent_id, path, sha256, size, version, updated_at)
                 values ($1, $2, $3, $4, $5, $6)
                 on conflict (agent_id, path) do update set sha256 = excluded.sha256,
                 size = excluded.size, version = excluded.version, updated_at = excluded.updated_at",
                values![agent, path, &sha256, size, version, now],
            )
            .await?;
        concerns(agent, path);
        crate::detail("sha256", &sha256);
        session.commit().await?;
        Ok(SaveOutcome::Saved(FileEntry {
            path: path.clone(),
            sha256,
            size,
            version,
            updated_at: now,
        }))
    }

    /// Gives a file another path. Its version stays.
    ///
    /// # Errors
    /// `NotFound` when there is no such file, `Conflict` when the new path is taken.
    pub async fn rename_file(&self, agent: &AgentId, from: &FilePath, to: &FilePath) -> Result<FileEntry> {
        let mut session = self.writer().await?;
        agents::touch(&mut session, agent, Millis::now()).await?;
        let mut files = entries(&mut session, agent).await?;
        let place = files
            .iter()
            .position(|file| file.path == *from)
            .ok_or_else(|| missing(from))?;
        let file = files.remove(place);
        if from == to {
            return Ok(file);
        }
        if files.iter().any(|other| other.path == *to) {
            return Err(StoreError::Conflict(format!(
                "There is a file {to} already. Choose another name, or delete that file first."
            )));
        }
        file_rules::check_name(to, files.iter().map(|file| &file.path))?;
        session
            .execute(
                "update files set path = $3 where agent_id = $1 and path = $2",
                values![agent, from, to],
            )
            .await?;
        concerns(agent, from);
        crate::detail("to", to.as_str());
        session.commit().await?;
        Ok(FileEntry {
            path: to.clone(),
            ..file
        })
    }

    /// Deletes a file, if its version still is `base_version`; none deletes any version.
    ///
    /// # Errors
    /// `NotFound` when there is no such file, `Conflict` when it was saved meanwhile.
    pub async fn delete_file(
        &self,
        agent: &AgentId,
        path: &FilePath,
        base_version: Option<i64>,
    ) -> Result<()> {
        let mut session = self.writer().await?;
        agents::touch(&mut session, agent, Millis::now()).await?;
        let current = entry(&mut session, agent, path)
            .await?
            .ok_or_else(|| missing(path))?;
        if base_version.is_some_and(|base| base != current.version) {
            return Err(StoreError::Conflict(format!(
                "{path} was saved by somebody else meanwhile, so it was not deleted. Look at it first."
            )));
        }
        session
            .execute(
                "delete from files where agent_id = $1 and path = $2",
                values![agent, path],
            )
            .await?;
        concerns(agent, path);
        session.commit().await
    }
}

/// Says which file is changed.
fn concerns(agent: &AgentId, path: &FilePath) {
    crate::concerns("file", path.as_str(), path.as_str());
    crate::detail("agent", agent.as_str());
}

fn missing(path: &FilePath) -> StoreError {
    StoreError::NotFound(format!("There is no file {path}. Was it deleted or renamed?"))
}

/// An agent's files, in order of path.
pub(crate) async fn entries(session: &mut Session, agent: &AgentId) -> Result<Vec<FileEntry>> {
    let rows: Vec<EntryRow> = session
        .all(
            "select path, sha256, size, version, updated_at from files where agent_id = $1 order by path",
            values![agent],
        )
        .await?;
    rows.into_iter().map(EntryRow::read).collect()
}

async fn entry(session: &mut Session, agent: &AgentId, path: &FilePath) -> Result<Option<FileEntry>> {
    let row: Option<EntryRow> = session
        .optional(
            "select path, sha256, size, version, updated_at from files where agent_id = $1 and path = $2",
            values![agent, path],
        )
        .await?;
    row.map(EntryRow::read).transpose()
}

async fn content(session: &mut Session, entry: FileEntry) -> Result<FileContent> {
    let (body,): (Vec<u8>,) = session
        .one("select body from blobs where sha256 = $1", values![&entry.sha256])
        .await?;
    Ok(FileContent {
        entry,
        text: String::from_utf8(body).ok(),
    })
}
