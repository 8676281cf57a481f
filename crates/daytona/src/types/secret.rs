//! Secrets: values that sandboxes may use and not read.

use serde::{Deserialize, Serialize};

/// A secret, without its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    /// Its id.
    pub id: String,
    /// Its name, unique in the organization.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What stands in its place inside a sandbox.
    #[serde(default)]
    pub placeholder: String,
    /// The hosts it is given to.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// When it was made, as RFC 3339.
    #[serde(default)]
    pub created_at: String,
    /// When it last changed, as RFC 3339.
    #[serde(default)]
    pub updated_at: String,
}

/// Body of `POST /secret`. `Debug` does not show the value.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateSecret {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The hosts it may be given to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
}

impl std::fmt::Debug for CreateSecret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("CreateSecret")
            .field("name", &self.name)
            .field("description", &self.description)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

/// Body of `PATCH /secret/{id}`. `Debug` does not show the value.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateSecret {
    /// Its new value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The hosts it may be given to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
}

impl std::fmt::Debug for UpdateSecret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("UpdateSecret")
            .field("description", &self.description)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

/// Which secrets to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListSecrets {
    /// Where the page starts: `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Page size.
    pub limit: Option<u32>,
    /// Only those whose name begins so.
    pub name: Option<String>,
    /// By what they are sorted.
    pub sort: Option<String>,
    /// `asc` or `desc`.
    pub order: Option<String>,
}

/// Answer of `GET /secret/paginated`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretPage {
    /// This page's.
    pub items: Vec<Secret>,
    /// How many there are.
    pub total: u64,
    /// Where the next page starts; null on the last one.
    #[serde(default)]
    pub next_cursor: Option<String>,
}
