//! Where accounts are signed in, who they are to a provider, and their end.

use crate::fresh::on_both;
use model::{
    InstanceRole, Millis, NewInvitation, NewToken, Permission, Role, SessionId, SignInWay, TeamId, User,
};
use store::{Identity, LinkPurpose, NewPerson, Newcomer, Store, StoreError};

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
    store
        .create_token(&TeamId::first(), &user.id, new, hash)
        .await
        .expect("a token");
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
        assert_eq!(found, ada.id);
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
        let error = store.delete_user(&ada.id).await.expect_err("its only owner");
        assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
        assert!(store.is_session_good(&id).await.expect("an answer"), "nothing happened");
        let bob = store.create_user("bob", InstanceRole::Person, None).await.expect("Bob");
        store.add_member(&TeamId::first(), Role::Owner, &bob.id, Role::Owner).await.expect("taken in");
        store.delete_user(&ada.id).await.expect("deleted");
        assert!(store.teams_of(&ada.id).await.expect("teams").is_empty());
        assert!(!store.is_session_good(&id).await.expect("an answer"));
        assert!(store.use_token("sha").await.expect("an answer").is_none());
        assert!(store.identity_user(identity("1")).await.expect("an answer").is_none());
        assert!(store.user_by_name("ada").await.expect("an answer").is_none());
        assert_eq!(store.users().await.expect("a list").len(), 1);
        assert_eq!(store.accounts().await.expect("a list").len(), 1);
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

    async fn an_invitation_is_used_once_by_whoever_comes_first(store: Store) {
        let ada = user(&store, "ada").await;
        let team = TeamId::first();
        let new = |role| NewInvitation { role, note: "for Bob".to_owned(), days: 1 };
        let by = (&ada.id, Role::Admin);
        let error = store.create_invitation(&team, by, new(Role::Owner), "x").await.expect_err("above their own");
        assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
        let id = store.create_invitation(&team, by, new(Role::Member), "one").await.expect("an invitation");
        let (found, its_team) = store.open_invitation("one").await.expect("an answer").expect("open");
        assert_eq!((&found.id, found.role, found.created_by.as_str(), &its_team.id), (&id, Role::Member, "ada", &team));
        // A name that is taken costs nobody the invitation.
        let taken = Newcomer::Password { name: "ADA", hash: "h" };
        let error = store.accept_invitation_as_newcomer("one", taken).await.expect_err("taken");
        assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
        let error = store.accept_invitation("one", &ada.id).await.expect_err("in it already");
        assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
        let comes = (0..4).map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let name = format!("bob {number}");
                let newcomer = Newcomer::Password { name: &name, hash: "h" };
                store.accept_invitation_as_newcomer("one", newcomer).await
            })
        });
        let mut came = Vec::new();
        for come in comes.collect::<Vec<_>>() {
            came.extend(come.await.expect("no panic"));
        }
        assert_eq!(came.len(), 1, "{came:?}");
        let (bob, joined) = came.remove(0);
        assert_eq!((store.role_in(&joined, &bob.id).await.expect("an answer"), bob.has_password), (Some(Role::Member), true));
        assert_eq!(store.users_count().await.expect("a count"), 2, "who came late left nothing");
        let listed = store.list_invitations(&team).await.expect("a list");
        assert_eq!((listed.len(), listed[0].used_by.as_deref()), (1, Some(bob.name.as_str())));
        let error = store.revoke_invitation(&team, &id).await.expect_err("used");
        assert!(matches!(error, StoreError::NotFound(_)), "{error:?}");
        // Revoked, and left open by somebody who was disabled.
        let second = store.create_invitation(&team, by, new(Role::Viewer), "two").await.expect("an invitation");
        let other = store.create_team("Other", &bob.id).await.expect("a team");
        assert!(store.revoke_invitation(&other.id, &second).await.is_err(), "another team's");
        store.revoke_invitation(&team, &second).await.expect("revoked");
        store.create_invitation(&team, by, new(Role::Viewer), "three").await.expect("an invitation");
        store.disable_user(&ada.id).await.expect("disabled");
        for hash in ["two", "three", "none"] {
            let error = store.accept_invitation(hash, &bob.id).await.expect_err(hash);
            assert!(matches!(error, StoreError::NotFound(_)), "{error:?}");
            assert!(store.open_invitation(hash).await.expect("an answer").is_none());
        }
    }

    async fn a_new_person_is_made_whole_or_not_at_all(store: Store) {
        user(&store, "ada").await;
        let team = store.team_to_join(None).await.expect("the first");
        let new = |name, subject| NewPerson { name, password_hash: None, identity: Some(identity(subject)), team: &team, role: Role::Viewer };
        let bob = store.create_person(new("bob", "1")).await.expect("Bob");
        assert!(bob.has_identity);
        assert_eq!(store.role_in(&team, &bob.id).await.expect("an answer"), Some(Role::Viewer));
        for (name, subject) in [("ADA", "2"), ("carol", "1")] {
            let error = store.create_person(new(name, subject)).await.expect_err("taken");
            assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
        }
        assert_eq!(store.users_count().await.expect("a count"), 2);
        assert!(store.team_to_join(Some("nowhere")).await.is_err());
        let name = store.team(&team).await.expect("it").name.to_uppercase();
        assert_eq!(store.team_to_join(Some(&name)).await.expect("letter case aside"), team);
    }
}
