//! Accounts, and the one-time tokens that sign them in.

use crate::{Result, Store};
use model::{Millis, Role, User, UserId};

impl Store {
    /// How many accounts there are; 0 on a fresh database.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn users_count(&self) -> Result<u64> {
        todo!()
    }

    /// All accounts, oldest first.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn users(&self) -> Result<Vec<User>> {
        todo!()
    }

    /// Makes an account.
    ///
    /// # Errors
    /// `Conflict` when the name is taken (letter case does not count), `Invalid` when it cannot be one.
    pub async fn create_user(&self, name: &str, role: Role, password_hash: Option<String>) -> Result<User> {
        todo!()
    }

    /// The account of this id.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn user(&self, id: &UserId) -> Result<User> {
        todo!()
    }

    /// The account of this name, letter case aside, with its password's hash if one is set.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<(User, Option<String>)>> {
        todo!()
    }

    /// Changes an account's name.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` and `Invalid` as for [`Store::create_user`].
    pub async fn rename_user(&self, id: &UserId, name: &str) -> Result<User> {
        todo!()
    }

    /// Sets an account's password.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    pub async fn set_password(&self, id: &UserId, hash: &str) -> Result<()> {
        todo!()
    }

    /// Keeps the hash of a one-time token that signs this account in until `expires`.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    pub async fn create_sign_in_token(&self, id: &UserId, sha256: &str, expires: Millis) -> Result<()> {
        todo!()
    }

    /// Takes a one-time token: gives its account the first time and before it expired, none after.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn take_sign_in_token(&self, sha256: &str) -> Result<Option<UserId>> {
        todo!()
    }
}
