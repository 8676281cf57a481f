//! Teams: who is in them, what is theirs, and that nobody else sees it.

use crate::fresh::{agent, new_run, on_both, path, server};
use model::{
    AgentSettings, InstanceRole, Language, Membership, Millis, NewToken, Role, SecretId, TeamId, UserId,
    Variable, VariableValue, token::USUAL_SCOPES,
};
use store::{Store, StoreError};

async fn person(store: &Store, name: &str) -> UserId {
    let made = store.create_user(name, InstanceRole::Person, None).await;
    made.expect("an account").id
}

fn roles(memberships: Vec<Membership>) -> Vec<(String, Role)> {
    let roles = memberships.into_iter();
    roles
        .map(|membership| (membership.team.name, membership.role))
        .collect()
}

fn refused<T: std::fmt::Debug>(result: Result<T, StoreError>, words: &str) {
    let error = result.expect_err(words);
    assert!(
        matches!(error, StoreError::Conflict(_)) && error.to_string().contains(words),
        "{error}"
    );
}

fn missing<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::NotFound(_))), "{result:?}");
}

on_both! {
    async fn the_first_account_owns_the_first_team_and_others_are_taken_in(store: Store) {
        let ada = store.create_user("ada", InstanceRole::Owner, None).await.expect("ada").id;
        let bob = person(&store, "bob").await;
        let first = TeamId::first();
        assert_eq!(roles(store.teams_of(&ada).await.expect("teams")), [("First team".to_owned(), Role::Owner)]);
        assert_eq!(store.teams_of(&bob).await.expect("teams"), []);
        let (user, standing) = store.standing(&bob, Some(&first)).await.expect("looked").expect("bob");
        assert_eq!((user.id, user.role, standing), (bob.clone(), InstanceRole::Person, None));
        assert_eq!(store.standing(&UserId::generate(), None).await.expect("looked"), None);

        store.add_member(&first, Role::Admin, &bob, Role::Viewer).await.expect("taken in");
        refused(store.add_member(&first, Role::Owner, &bob, Role::Member).await, "already");
        missing(store.add_member(&first, Role::Owner, &UserId::generate(), Role::Member).await);
        missing(store.add_member(&TeamId::generate(), Role::Owner, &bob, Role::Member).await);
        let members = store.members(&first).await.expect("members");
        let members: Vec<_> = members.iter().map(|one| (one.name.as_str(), one.role)).collect();
        assert_eq!(members, [("ada", Role::Owner), ("bob", Role::Viewer)]);
        assert_eq!(store.role_in(&first, &bob).await.expect("looked"), Some(Role::Viewer));
    }

    async fn a_session_works_in_the_team_it_prefers_as_long_as_its_person_is_in_it(store: Store) {
        let ada = store.create_user("ada", InstanceRole::Owner, None).await.expect("ada").id;
        let second = store.create_team(" Second ", &ada).await.expect("made");
        assert_eq!(second.name, "Second");
        let team = async |preferred: Option<&TeamId>| {
            let (_, membership) = store.standing(&ada, preferred).await.expect("looked").expect("ada");
            membership.expect("in a team").team.id
        };
        assert_eq!(team(None).await, TeamId::first());
        assert_eq!(team(Some(&second.id)).await, second.id);
        assert_eq!(team(Some(&TeamId::generate())).await, TeamId::first());
        let bob = person(&store, "bob").await;
        store.add_member(&second.id, Role::Owner, &bob, Role::Owner).await.expect("taken in");
        store.remove_member(&second.id, None, &ada).await.expect("left");
        assert_eq!(team(Some(&second.id)).await, TeamId::first());
    }

    async fn a_team_always_has_an_owner_whom_only_owners_make(store: Store) {
        let ada = store.create_user("ada", InstanceRole::Owner, None).await.expect("ada").id;
        let bob = person(&store, "bob").await;
        let first = TeamId::first();
        for by in [Role::Owner, Role::Admin] {
            refused(store.set_member_role(&first, by, &ada, Role::Admin).await, "owner");
        }
        refused(store.remove_member(&first, None, &ada).await, "only owner");
        refused(store.add_member(&first, Role::Member, &bob, Role::Viewer).await, "admin");
        refused(store.add_member(&first, Role::Admin, &bob, Role::Owner).await, "Only an owner");
        store.add_member(&first, Role::Admin, &bob, Role::Admin).await.expect("taken in");
        refused(store.set_member_role(&first, Role::Admin, &bob, Role::Owner).await, "Only an owner");
        refused(store.remove_member(&first, Some(Role::Admin), &ada).await, "Only an owner");
        store.set_member_role(&first, Role::Owner, &bob, Role::Owner).await.expect("made an owner");
        store.set_member_role(&first, Role::Owner, &ada, Role::Viewer).await.expect("there is another");
        refused(store.remove_member(&first, None, &bob).await, "only owner");
        store.remove_member(&first, None, &ada).await.expect("left");
        missing(store.remove_member(&first, None, &ada).await);
        missing(store.set_member_role(&first, Role::Owner, &ada, Role::Viewer).await);
    }

    async fn of_two_owners_who_leave_at_once_one_stays(store: Store) {
        let ada = store.create_user("ada", InstanceRole::Owner, None).await.expect("ada").id;
        let bob = person(&store, "bob").await;
        let first = TeamId::first();
        store.add_member(&first, Role::Owner, &bob, Role::Owner).await.expect("taken in");
        let leave = |user: UserId| {
            let store = store.clone();
            tokio::spawn(async move { store.remove_member(&TeamId::first(), None, &user).await })
        };
        let (one, other) = (leave(ada), leave(bob));
        let left = [one.await.expect("no panic"), other.await.expect("no panic")];
        assert_eq!(left.iter().filter(|left| left.is_ok()).count(), 1, "{left:?}");
        assert_eq!(store.members(&first).await.expect("members").len(), 1);
    }

    async fn names_of_teams(store: Store) {
        let ada = store.create_user("ada", InstanceRole::Owner, None).await.expect("ada").id;
        let core = store.create_team("Core", &ada).await.expect("made");
        refused(store.create_team("cORE", &ada).await, "already");
        assert!(matches!(store.create_team(" ", &ada).await, Err(StoreError::Invalid(_))));
        missing(store.create_team("Other", &UserId::generate()).await);
        refused(store.rename_team(&TeamId::first(), "core").await, "already");
        store.rename_team(&core.id, "Kernel").await.expect("renamed");
        assert_eq!(store.team(&core.id).await.expect("the team").name, "Kernel");
        missing(store.rename_team(&TeamId::generate(), "X").await);
        let names: Vec<_> = store.teams().await.expect("teams").into_iter().map(|team| team.name).collect();
        assert_eq!(names, ["First team", "Kernel"]);
    }

    async fn what_is_another_teams_is_not_there(store: Store) {
        let scout = agent(&store, "Scout").await;
        let new = new_run(&store, &scout).await;
        let (run, _) = store.create_run(&new, &server()).await.expect("a run");
        let first = TeamId::first();
        let secret = SecretId::generate();
        store.create_secret(&first, &scout.owner, &secret, "KEY", "sealed").await.expect("kept");
        let eve = person(&store, "eve").await;
        let others = store.create_team("Others", &eve).await.expect("made").id;

        missing(store.agent_in(&others, &scout.id).await);
        missing(store.agent_by_slug(&others, "scout").await);
        missing(store.run_in(&others, &run.id).await);
        missing(store.list_runs(&others, None, Some(&run.id), 9).await);
        missing(store.replace_secret(&others, &secret, "x").await);
        missing(store.delete_secret(&others, &secret).await);
        assert!(store.list_runs(&others, None, None, 9).await.expect("runs").is_empty());
        assert!(store.list_runs(&others, Some(&scout.id), None, 9).await.expect("runs").is_empty());
        assert!(store.list_agents(&others, Millis::now()).await.expect("agents").is_empty());
        assert!(store.list_secrets(&others).await.expect("secrets").is_empty());
        assert!(store.sealed_secrets(&others).await.expect("secrets").is_empty());
        assert_eq!(store.agent_in(&first, &scout.id).await.expect("ours").team, first);
        assert_eq!(store.run_in(&first, &run.id).await.expect("ours").id, run.id);
        assert_eq!(store.team_of_agent(&scout.id).await.expect("looked"), Some(first));

        // The same names again, in a team of their own.
        store.create_secret(&others, &eve, &SecretId::generate(), "KEY", "other").await.expect("kept");
        let settings = AgentSettings::new("Scout", "", Language::Python);
        let theirs = store.create_agent(&others, &eve, &settings, &[(path("a.py"), vec![])]).await.expect("made");
        assert_eq!(theirs.slug, "scout-2");
        let stolen = Variable { name: "KEY".into(), value: VariableValue::Secret(secret) };
        missing(store.save_variables(&theirs.id, &[stolen]).await);
    }

    async fn tokens_act_in_their_team_and_end_with_the_membership(store: Store) {
        store.create_user("ada", InstanceRole::Owner, None).await.expect("ada");
        let bob = person(&store, "bob").await;
        let first = TeamId::first();
        let new = || NewToken { name: "ci".into(), scopes: USUAL_SCOPES.to_vec(), days: None };
        missing(store.create_token(&first, &bob, new(), "hash").await);
        store.add_member(&first, Role::Owner, &bob, Role::Member).await.expect("taken in");
        let own = store.create_team("Own", &bob).await.expect("made").id;
        let token = store.create_token(&first, &bob, new(), "hash").await.expect("made");
        let other = store.create_token(&own, &bob, new(), "hash-2").await.expect("made");
        let (_, membership, _) = store.use_token("hash").await.expect("looked").expect("there");
        assert_eq!((membership.team.id, membership.role), (first.clone(), Role::Member));
        assert_eq!(store.list_tokens(&first, &bob).await.expect("tokens").len(), 1);
        missing(store.revoke_token(&own, Some(&bob), &token.id).await);
        // Who looks after the team's tokens revokes anybody's there, and none elsewhere.
        missing(store.revoke_token(&first, None, &other.id).await);
        let third = store.create_token(&first, &bob, new(), "hash-3").await.expect("made");
        store.revoke_token(&first, None, &third.id).await.expect("revoked");
        store.remove_member(&first, Some(Role::Admin), &bob).await.expect("removed");
        assert!(store.use_token("hash").await.expect("looked").is_none());
        assert!(!store.is_token_good(&token.id).await.expect("looked"));
        assert!(store.use_token("hash-2").await.expect("looked").is_some());
        assert!(store.is_token_good(&other.id).await.expect("looked"));
    }

    async fn a_team_is_deleted_when_it_has_no_agents_any_more(store: Store) {
        let ada = store.create_user("ada", InstanceRole::Owner, None).await.expect("ada").id;
        let team = store.create_team("Core", &ada).await.expect("made").id;
        let settings = AgentSettings::new("Scout", "", Language::Python);
        let agent = store.create_agent(&team, &ada, &settings, &[(path("a.py"), vec![])]).await.expect("made");
        store.create_secret(&team, &ada, &SecretId::generate(), "KEY", "sealed").await.expect("kept");
        let new = NewToken { name: "ci".into(), scopes: USUAL_SCOPES.to_vec(), days: None };
        store.create_token(&team, &ada, new, "hash").await.expect("made");
        refused(store.delete_team(&team).await, "1 agent");
        refused(store.delete_team(&TeamId::first()).await, "first team");
        store.delete_agent(&agent.id).await.expect("deleted");
        store.delete_team(&team).await.expect("deleted");
        missing(store.delete_team(&team).await);
        missing(store.team(&team).await);
        assert!(store.use_token("hash").await.expect("looked").is_none());
        assert!(store.list_secrets(&team).await.expect("secrets").is_empty());
        let settings = AgentSettings::new("Scout", "", Language::Python);
        missing(store.create_agent(&team, &ada, &settings, &[(path("a.py"), vec![])]).await);
    }
}
