//! API keys: made, found, deleted.

use super::{Client, Error};
use crate::{ApiKey, CreateApiKey, CreatedApiKey};
use http::Method;

impl Client {
    /// Makes a key. Only this answer holds it.
    ///
    /// # Errors
    /// 403 when this key may not make keys, 409 when the name is taken.
    pub async fn create_api_key(&self, request: &CreateApiKey) -> Result<CreatedApiKey, Error> {
        self.fetch(self.call(Method::POST, &["api-keys"])?.json(request)?)
            .await
    }

    /// All keys.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_api_keys(&self) -> Result<Vec<ApiKey>, Error> {
        self.fetch(self.call(Method::GET, &["api-keys"])?).await
    }

    /// The key this client uses.
    ///
    /// # Errors
    /// As every call.
    pub async fn current_api_key(&self) -> Result<ApiKey, Error> {
        self.fetch(self.call(Method::GET, &["api-keys", "current"])?)
            .await
    }

    /// A key by name.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn api_key(&self, name: &str) -> Result<ApiKey, Error> {
        self.fetch(self.call(Method::GET, &["api-keys", name])?).await
    }

    /// Deletes a key, which ends it at once.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn delete_api_key(&self, name: &str) -> Result<(), Error> {
        self.perform(self.call(Method::DELETE, &["api-keys", name])?)
            .await
    }
}
