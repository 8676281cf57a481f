//! Organizations, regions and oneself.

use super::{Client, Error};
use crate::{Organization, OrganizationUsage, Region, User};
use http::Method;

impl Client {
    /// The regions that sandboxes can be made in.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_regions(&self) -> Result<Vec<Region>, Error> {
        self.fetch(self.call(Method::GET, &["regions"])?).await
    }

    /// A region by id.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn region(&self, id: &str) -> Result<Region, Error> {
        self.fetch(self.call(Method::GET, &["regions", id])?).await
    }

    /// The regions that everyone may use.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_shared_regions(&self) -> Result<Vec<Region>, Error> {
        self.fetch(self.call(Method::GET, &["shared-regions"])?).await
    }

    /// The organizations this key may speak for.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_organizations(&self) -> Result<Vec<Organization>, Error> {
        self.fetch(self.call(Method::GET, &["organizations"])?).await
    }

    /// An organization by id.
    ///
    /// # Errors
    /// 403 or 404 when there is none this key may see.
    pub async fn organization(&self, id: &str) -> Result<Organization, Error> {
        self.fetch(self.call(Method::GET, &["organizations", id])?).await
    }

    /// What an organization uses of what it may.
    ///
    /// # Errors
    /// As of [`Client::organization`].
    pub async fn organization_usage(&self, id: &str) -> Result<OrganizationUsage, Error> {
        self.fetch(self.call(Method::GET, &["organizations", id, "usage"])?)
            .await
    }

    /// Whose key this is.
    ///
    /// # Errors
    /// As every call.
    pub async fn me(&self) -> Result<User, Error> {
        self.fetch(self.call(Method::GET, &["users", "me"])?).await
    }
}
