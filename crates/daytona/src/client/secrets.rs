//! Secrets: made, found, changed, deleted.

use super::{Client, Error};
use crate::{CreateSecret, ListSecrets, Secret, SecretPage, UpdateSecret};
use http::Method;

impl Client {
    /// Makes a secret.
    ///
    /// # Errors
    /// 409 when the name is taken.
    pub async fn create_secret(&self, request: &CreateSecret) -> Result<Secret, Error> {
        self.fetch(self.call(Method::POST, &["secret"])?.json(request)?)
            .await
    }

    /// One page of secrets.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_secrets(&self, wanted: &ListSecrets) -> Result<SecretPage, Error> {
        let mut call = self.call(Method::GET, &["secret", "paginated"])?;
        let limit = wanted.limit.map(|limit| limit.to_string());
        for (name, value) in [
            ("cursor", &wanted.cursor),
            ("limit", &limit),
            ("name", &wanted.name),
            ("sort", &wanted.sort),
            ("order", &wanted.order),
        ] {
            if let Some(value) = value {
                call = call.query(name, value);
            }
        }
        self.fetch(call).await
    }

    /// A secret by id, without its value.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn secret(&self, id: &str) -> Result<Secret, Error> {
        self.fetch(self.call(Method::GET, &["secret", id])?).await
    }

    /// Changes what is given of a secret.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn update_secret(&self, id: &str, change: &UpdateSecret) -> Result<Secret, Error> {
        self.fetch(self.call(Method::PATCH, &["secret", id])?.json(change)?)
            .await
    }

    /// Deletes a secret.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn delete_secret(&self, id: &str) -> Result<(), Error> {
        self.perform(self.call(Method::DELETE, &["secret", id])?).await
    }
}
