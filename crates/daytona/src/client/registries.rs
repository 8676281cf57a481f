//! Where images and build contexts are put.

use super::{Client, Error};
use crate::{DockerRegistry, StorageAccess, WriteDockerRegistry};
use http::Method;

impl Client {
    /// A way to put build contexts where the provider finds them.
    ///
    /// # Errors
    /// As every call.
    pub async fn storage_access(&self) -> Result<StorageAccess, Error> {
        self.fetch(self.call(Method::GET, &["object-storage", "push-access"])?)
            .await
    }

    /// All registries.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_registries(&self) -> Result<Vec<DockerRegistry>, Error> {
        self.fetch(self.call(Method::GET, &["docker-registry"])?).await
    }

    /// Makes a registry known.
    ///
    /// # Errors
    /// 400 for what cannot be one.
    pub async fn create_registry(&self, request: &WriteDockerRegistry) -> Result<DockerRegistry, Error> {
        self.fetch(self.call(Method::POST, &["docker-registry"])?.json(request)?)
            .await
    }

    /// A registry by id.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn registry(&self, id: &str) -> Result<DockerRegistry, Error> {
        self.fetch(self.call(Method::GET, &["docker-registry", id])?)
            .await
    }

    /// Changes a registry.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn update_registry(
        &self,
        id: &str,
        request: &WriteDockerRegistry,
    ) -> Result<DockerRegistry, Error> {
        self.fetch(
            self.call(Method::PATCH, &["docker-registry", id])?
                .json(request)?,
        )
        .await
    }

    /// Forgets a registry.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn delete_registry(&self, id: &str) -> Result<(), Error> {
        self.perform(self.call(Method::DELETE, &["docker-registry", id])?)
            .await
    }
}
