//! Accounts and one-time tokens.

use crate::fresh::on_both;
use model::{InstanceRole, Millis, UserId};
use store::{LinkPurpose, StoreError};

on_both! {
    async fn accounts_have_one_name_each(store: Store) {
        assert_eq!(store.users_count().await.expect("a count"), 0);
        let ada = store.create_user("  Ada ", InstanceRole::Owner, None).await.expect("Ada");
        assert_eq!((ada.name.as_str(), ada.has_password), ("Ada", false));
        assert_eq!(store.user(&ada.id).await.expect("Ada"), ada);
        let error = store.create_user("ADA", InstanceRole::Owner, None).await.expect_err("taken");
        assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
        for bad in ["", "  ", "a\nb", &"x".repeat(81)] {
            let error = store.create_user(bad, InstanceRole::Owner, None).await.expect_err(bad);
            assert!(matches!(error, StoreError::Invalid(_)), "{error:?}");
        }
        let bob = store.create_user("bob", InstanceRole::Owner, Some("hash".into())).await.expect("Bob");
        assert!(bob.has_password);
        let error = store.rename_user(&bob.id, "aDa").await.expect_err("taken");
        assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
        let bob = store.rename_user(&bob.id, "Robert").await.expect("renamed");
        assert_eq!(store.users().await.expect("both"), [ada, bob]);
        assert_eq!(store.users_count().await.expect("a count"), 2);
    }

    async fn passwords(store: Store) {
        let ada = store.create_user("ada", InstanceRole::Owner, None).await.expect("Ada");
        store.set_password(&ada.id, "$argon2id$x").await.expect("set");
        let (found, hash) = store.user_by_name(" aDA ").await.expect("an answer").expect("Ada");
        assert_eq!((found.id, found.has_password, hash.as_deref()), (ada.id, true, Some("$argon2id$x")));
        assert!(store.user_by_name("a%").await.expect("an answer").is_none());
        let nobody = UserId::generate();
        assert!(matches!(store.set_password(&nobody, "x").await, Err(StoreError::NotFound(_))));
        assert!(matches!(store.user(&nobody).await, Err(StoreError::NotFound(_))));
    }

    async fn a_token_signs_in_once_and_in_time(store: Store) {
        let ada = store.create_user("ada", InstanceRole::Owner, None).await.expect("Ada");
        let now = Millis::now();
        store.create_link(&ada.id, LinkPurpose::SignIn, "late", Millis(now.0 - 1)).await.expect("a token");
        assert_eq!(store.take_link(LinkPurpose::SignIn, "late").await.expect("an answer"), None);
        store.create_link(&ada.id, LinkPurpose::SignIn, "good", Millis(now.0 + 60_000)).await.expect("a token");
        assert_eq!(store.take_link(LinkPurpose::SignIn, "other").await.expect("an answer"), None);
        let takes = (0..8).map(|_| { let store = store.clone(); tokio::spawn(async move { store.take_link(LinkPurpose::SignIn, "good").await.expect("an answer") }) });
        let mut taken = Vec::new();
        for take in takes.collect::<Vec<_>>() {
            taken.extend(take.await.expect("no panic"));
        }
        assert_eq!(taken, [ada.id]);
        let error = store.create_link(&UserId::generate(), LinkPurpose::SignIn, "x", now).await.expect_err("nobody");
        assert!(matches!(error, StoreError::NotFound(_)), "{error:?}");
    }
}
