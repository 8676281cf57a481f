//! Where accounts are signed in, who they are to a provider, and their end.

use crate::fresh::on_both;
use model::{Millis, NewToken, Permission, InstanceRole, SessionId, SignInWay, User};
use store::{Identity, LinkPurpose, Store, StoreError};

async fn user(store: &Store, name: &str) -> User {
    store
        .create_user(name, InstanceRole::Owner, Some("hash".to_owned()))
        .await
        .expect("an account")
}

async fn session(store: &Store, user: &User) -> SessionId {
    let way = SignInWay::Password;
    store
        .create_account_session(&user.id, way, "curl/8", "10.0.0.1")
        .await
        .expect("a session")
}

async fn token(store: &Store, user: &User, hash: &str) {
    let new = NewToken {
        name: "t".to_owned(),
        scopes: vec![Permission::Read],
        days: None,
    };
    store.create_token(&user.id, new, hash).await.expect("a token");
}

fn identity(subject: &str) -> Identity<'_> {
    Identity {
        issuer: "https://id.example",
        subject,
        label: "ada@example.com",
    }
}

on_both! {
    async fn sessions_are_listed_and_ended_by_their_owner(store: Store) {
        let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
        let (first, second) = (session(&store, &ada).await, session(&store, &ada).await);
        let bobs = session(&store, &bob).await;
        let (found, used_at) = store.session_user(&first).await.expect("an answer").expect("Ada");
        assert_eq!(found, ada);
        let listed = store.list_sessions(&ada.id).await.expect("a list");
        let mut ids: Vec<_> = listed.iter().map(|session| session.id.clone()).collect();
        ids.sort();
        assert_eq!(ids, [first.clone(), second.clone()]);
        assert_eq!(listed[0].browser_words(), "curl");
        // Just used: nothing is written. Long ago: time, browser and address are.
        store.touch_session(&first, used_at, "Firefox/1", "10.0.0.2").await.expect("touched");
        store.touch_session(&first, Millis(used_at.0 - 61_000), "Firefox/1 on Linux", "10.0.0.2").await.expect("touched");
        let listed = store.list_sessions(&ada.id).await.expect("a list");
        let touched = listed.iter().find(|session| session.id == first).expect("the first");
        assert_eq!((touched.browser_words().as_str(), touched.address.as_str()), ("Firefox on Linux", "10.0.0.2"));
        assert!(store.is_known_address("ADA ", "10.0.0.2").await.expect("an answer"));
        assert!(!store.is_known_address("ada", "10.0.0.3").await.expect("an answer"));
        assert!(!store.is_known_address("nobody", "10.0.0.2").await.expect("an answer"));

        let error = store.end_session(&bob.id, &first).await.expect_err("not Bob's");
        assert!(matches!(error, StoreError::NotFound(_)), "{error:?}");
        assert_eq!(store.end_other_sessions(&ada.id, Some(&first)).await.expect("ended"), 1);
        assert!(store.is_session_good(&first).await.expect("an answer"));
        assert!(!store.is_session_good(&second).await.expect("an answer"));
        assert!(store.is_session_good(&bobs).await.expect("an answer"));
        store.end_session(&ada.id, &first).await.expect("ended");
        assert!(store.session_user(&first).await.expect("an answer").is_none());
        assert_eq!(store.end_other_sessions(&bob.id, None).await.expect("ended"), 1);
    }

    async fn an_account_keeps_so_many_sessions_and_of_a_browser_so_many_words(store: Store) {
        let ada = user(&store, "ada").await;
        let long = "\u{e9}".repeat(1000);
        for _ in 0..52 {
            store.create_account_session(&ada.id, SignInWay::Link, &long, "::1").await.expect("a session");
        }
        let listed = store.list_sessions(&ada.id).await.expect("a list");
        assert_eq!((listed.len(), listed[0].browser.len()), (50, 400));
    }

    async fn a_disabled_account_is_out_at_once_and_comes_back_with_its_password(store: Store) {
        let ada = user(&store, "ada").await;
        let id = session(&store, &ada).await;
        token(&store, &ada, "sha").await;
        store.link_identity(&ada.id, identity("1")).await.expect("linked");
        let later = Millis(Millis::now().0 + 60_000);
        store.create_link(&ada.id, LinkPurpose::Reset, "reset", later).await.expect("a link");
        assert_eq!(store.link_user(LinkPurpose::Reset, "reset").await.expect("an answer").expect("Ada").id, ada.id);
        assert!(store.link_user(LinkPurpose::SignIn, "reset").await.expect("an answer").is_none(), "good for a password alone");
        store.disable_user(&ada.id).await.expect("disabled");
        assert!(store.is_disabled(&ada.id).await.expect("an answer"));
        assert!(!store.is_session_good(&id).await.expect("an answer"));
        assert!(store.use_token("sha").await.expect("an answer").is_none());
        assert!(store.link_user(LinkPurpose::Reset, "reset").await.expect("an answer").is_none());
        let error = store.create_account_session(&ada.id, SignInWay::Link, "", "").await.expect_err("disabled");
        assert!(matches!(error, StoreError::NotFound(_)), "{error:?}");
        assert!(store.accounts().await.expect("a list")[0].disabled_at.is_some());
        store.enable_user(&ada.id).await.expect("enabled");
        session(&store, &ada).await;
        assert!(store.use_token("sha").await.expect("an answer").is_none(), "what ended stays ended");
        assert_eq!(store.identity_user(identity("1")).await.expect("an answer").expect("Ada").id, ada.id);
    }

    async fn a_deleted_account_leaves_its_name_and_what_it_made(store: Store) {
        let agent = crate::fresh::agent(&store, "Scout").await;
        let (ada, _) = store.user_by_name("ada").await.expect("an answer").expect("Ada");
        let id = session(&store, &ada).await;
        token(&store, &ada, "sha").await;
        store.link_identity(&ada.id, identity("1")).await.expect("linked");
        store.delete_user(&ada.id).await.expect("deleted");
        assert!(!store.is_session_good(&id).await.expect("an answer"));
        assert!(store.use_token("sha").await.expect("an answer").is_none());
        assert!(store.identity_user(identity("1")).await.expect("an answer").is_none());
        assert!(store.user_by_name("ada").await.expect("an answer").is_none());
        assert!(store.users().await.expect("a list").is_empty());
        assert!(store.accounts().await.expect("a list").is_empty());
        assert_eq!(store.agent(&agent.id).await.expect("the agent").settings.name, "Scout");
        assert_eq!(store.user(&ada.id).await.expect("who made it").name, "ada");
        for error in [store.delete_user(&ada.id).await, store.disable_user(&ada.id).await, store.enable_user(&ada.id).await] {
            assert!(matches!(error, Err(StoreError::NotFound(_))), "{error:?}");
        }
        let other = user(&store, "Ada").await;
        assert_ne!(other.id, ada.id);
    }

    async fn an_identity_is_one_accounts(store: Store) {
        let (ada, bob) = (user(&store, "ada").await, store.create_user("bob", InstanceRole::Owner, None).await.expect("Bob"));
        assert!(store.identity_user(identity("1")).await.expect("an answer").is_none());
        store.link_identity(&ada.id, identity("1")).await.expect("linked");
        let error = store.link_identity(&bob.id, identity("1")).await.expect_err("Ada's");
        assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
        let found = store.identity_user(Identity { label: "Ada L.", ..identity("1") }).await.expect("an answer").expect("Ada");
        assert!(found.has_identity && found.id == ada.id);
        assert_eq!(store.identity_labels(&ada.id).await.expect("labels"), ["Ada L."]);
        store.link_identity(&bob.id, identity("2")).await.expect("linked");
        assert!(store.user(&bob.id).await.expect("Bob").is_set_up());
        let error = store.unlink_identities(&bob.id).await.expect_err("his only way in");
        assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
        store.unlink_identities(&ada.id).await.expect("unlinked");
        assert!(store.identity_user(identity("1")).await.expect("an answer").is_none());
    }
}
