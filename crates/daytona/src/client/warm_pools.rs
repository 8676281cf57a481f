//! Warm pools: made, found, resized, deleted.

use super::{Client, Error};
use crate::{CreateWarmPool, UpdateWarmPool, WarmPool};
use http::Method;

impl Client {
    /// All warm pools.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_warm_pools(&self) -> Result<Vec<WarmPool>, Error> {
        self.fetch(self.call(Method::GET, &["warm-pools"])?).await
    }

    /// Makes a warm pool.
    ///
    /// # Errors
    /// 400 for an unknown snapshot or too many.
    pub async fn create_warm_pool(&self, request: &CreateWarmPool) -> Result<WarmPool, Error> {
        self.fetch(self.call(Method::POST, &["warm-pools"])?.json(request)?)
            .await
    }

    /// Sets how many sandboxes of a pool are to stand ready.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn resize_warm_pool(&self, id: &str, pool: u32) -> Result<WarmPool, Error> {
        let call = self.call(Method::PATCH, &["warm-pools", id])?;
        self.fetch(call.json(&UpdateWarmPool { pool })?).await
    }

    /// Deletes a warm pool and its sandboxes.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn delete_warm_pool(&self, id: &str) -> Result<(), Error> {
        self.perform(self.call(Method::DELETE, &["warm-pools", id])?)
            .await
    }
}
