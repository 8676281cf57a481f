//! Volumes: made, found, deleted.

use super::{Client, Error};
use crate::{CreateVolume, Volume};
use http::Method;

impl Client {
    /// All volumes; with `include_deleted` also those that are gone.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_volumes(&self, include_deleted: bool) -> Result<Vec<Volume>, Error> {
        let mut call = self.call(Method::GET, &["volumes"])?;
        if include_deleted {
            call = call.query("includeDeleted", "true");
        }
        self.fetch(call).await
    }

    /// Asks for a volume.
    ///
    /// # Errors
    /// 409 when the name is taken.
    pub async fn create_volume(&self, name: &str) -> Result<Volume, Error> {
        let name = name.to_owned();
        let call = self.call(Method::POST, &["volumes"])?;
        self.fetch(call.json(&CreateVolume { name })?).await
    }

    /// A volume by id.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn volume(&self, id: &str) -> Result<Volume, Error> {
        self.fetch(self.call(Method::GET, &["volumes", id])?).await
    }

    /// A volume by name.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn volume_by_name(&self, name: &str) -> Result<Volume, Error> {
        self.fetch(self.call(Method::GET, &["volumes", "by-name", name])?)
            .await
    }

    /// Deletes a volume, by id.
    ///
    /// # Errors
    /// 409 when a sandbox has it.
    pub async fn delete_volume(&self, id: &str) -> Result<(), Error> {
        self.perform(self.call(Method::DELETE, &["volumes", id])?).await
    }
}
