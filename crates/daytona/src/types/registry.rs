//! Where images and build contexts are put: registries and object storage.

use serde::{Deserialize, Serialize};

/// Answer of `GET /object-storage/push-access`. `Debug` shows no credentials.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageAccess {
    /// Who signs in.
    pub access_key: String,
    /// With what.
    pub secret: String,
    /// And for this session.
    pub session_token: String,
    /// Where the storage is.
    pub storage_url: String,
    /// Whose it is; the first part of every key.
    pub organization_id: String,
    /// The bucket.
    pub bucket: String,
    /// The storage's region.
    pub region: String,
}

impl std::fmt::Debug for StorageAccess {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("StorageAccess")
            .field("storage_url", &self.storage_url)
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

/// A registry of images, without its password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DockerRegistry {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: String,
    /// Who signs in.
    #[serde(default)]
    pub username: String,
    /// The project in it.
    #[serde(default)]
    pub project: String,
    /// What it is used for.
    #[serde(default)]
    pub registry_type: String,
    /// When it was made, as RFC 3339.
    #[serde(default)]
    pub created_at: String,
    /// When it last changed, as RFC 3339.
    #[serde(default)]
    pub updated_at: String,
}

/// Body of `POST /docker-registry` and, with what changes, of `PATCH
/// /docker-registry/{id}`. `Debug` does not show the password.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteDockerRegistry {
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: String,
    /// Who signs in.
    pub username: String,
    /// With what; left as it is when a change does not give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The project in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

impl std::fmt::Debug for WriteDockerRegistry {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("WriteDockerRegistry")
            .field("name", &self.name)
            .field("url", &self.url)
            .field("username", &self.username)
            .field("project", &self.project)
            .finish_non_exhaustive()
    }
}
