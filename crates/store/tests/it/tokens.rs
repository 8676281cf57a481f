//! Tokens: found by their hash, until they are revoked or over.

use crate::fresh::on_both;
use model::{InstanceRole, Millis, NewToken, Permission, User, UserId, token::USUAL_SCOPES};
use sqlx::Executor as _;
use store::{Pools, Store, StoreError};

fn new(name: &str, days: Option<u32>) -> NewToken {
    NewToken {
        name: name.to_owned(),
        scopes: USUAL_SCOPES.to_vec(),
        days,
    }
}

async fn user(store: &Store, name: &str) -> User {
    store
        .create_user(name, InstanceRole::Owner, None)
        .await
        .expect("an account")
}

async fn execute(store: &Store, sql: &'static str) {
    match store.pools() {
        Pools::Sqlite(pool) => pool.execute(sql).await.map(|_| ()),
        Pools::Postgres(pool) => pool.execute(sql).await.map(|_| ()),
    }
    .expect("executed");
}

on_both! {
    async fn a_token_is_found_by_its_hash_until_it_is_revoked(store: Store) {
        let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
        let token = store.create_token(&model::TeamId::first(), &ada.id, new(" ci ", None), "hash-1").await.expect("kept");
        assert_eq!((token.name.as_str(), token.expires_at, token.used_at), ("ci", None, None));
        assert_eq!(token.scopes, [Permission::Read, Permission::Run]);
        let (found, membership, used) = store.use_token("hash-1").await.expect("looked").expect("found");
        assert_eq!((found.id, used.id), (ada.id.clone(), token.id.clone()));
        assert_eq!((membership.team.id, membership.role), (model::TeamId::first(), model::Role::Owner));
        assert!(store.list_tokens(&model::TeamId::first(), &ada.id).await.expect("tokens")[0].used_at.is_some());
        assert!(store.use_token("hash-2").await.expect("looked").is_none());
        assert!(store.is_token_good(&token.id).await.expect("looked"));

        assert!(store.list_tokens(&model::TeamId::first(), &bob.id).await.expect("tokens").is_empty());
        let other = store.revoke_token(&model::TeamId::first(), Some(&bob.id), &token.id).await;
        assert!(matches!(other, Err(StoreError::NotFound(_))), "{other:?}");
        store.revoke_token(&model::TeamId::first(), Some(&ada.id), &token.id).await.expect("revoked");
        assert!(store.use_token("hash-1").await.expect("looked").is_none());
        assert!(!store.is_token_good(&token.id).await.expect("looked"));
        let again = store.revoke_token(&model::TeamId::first(), Some(&ada.id), &token.id).await;
        assert!(matches!(again, Err(StoreError::NotFound(_))), "{again:?}");
    }

    async fn one_that_is_over_is_no_token(store: Store) {
        let ada = user(&store, "ada").await;
        let token = store.create_token(&model::TeamId::first(), &ada.id, new("week", Some(7)), "hash-1").await.expect("kept");
        let expires = token.expires_at.expect("an end");
        assert!(expires > Millis(Millis::now().0 + 6 * 24 * 3600 * 1000));
        assert!(store.use_token("hash-1").await.expect("looked").is_some());
        execute(&store, "update tokens set expires_at = 1").await;
        assert!(store.use_token("hash-1").await.expect("looked").is_none());
        assert!(!store.is_token_good(&token.id).await.expect("looked"));
        assert_eq!(store.list_tokens(&model::TeamId::first(), &ada.id).await.expect("tokens").len(), 1);
    }

    async fn what_cannot_be_is_refused(store: Store) {
        let ada = user(&store, "ada").await;
        let odd = store.create_token(&model::TeamId::first(), &ada.id, new("", None), "hash").await;
        assert!(matches!(odd, Err(StoreError::Invalid(_))), "{odd:?}");
        let nobody = store.create_token(&model::TeamId::first(), &UserId::generate(), new("x", None), "hash").await;
        assert!(matches!(nobody, Err(StoreError::NotFound(_))), "{nobody:?}");
        for number in 0..model::token::MOST {
            store.create_token(&model::TeamId::first(), &ada.id, new("x", None), &format!("hash-{number}")).await.expect("kept");
        }
        let many = store.create_token(&model::TeamId::first(), &ada.id, new("x", None), "hash").await;
        assert!(matches!(many, Err(StoreError::Conflict(_))), "{many:?}");
    }
}
