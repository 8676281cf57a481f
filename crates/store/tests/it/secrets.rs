//! Secrets and variables: what is kept, who uses it, and what is refused.

use crate::fresh::{agent, on_both, run};
use model::{Invalid, RunId, SecretId, Variable, VariableValue};
use store::{Hold, Store, StoreError};

async fn secret(store: &Store, name: &str) -> SecretId {
    agent(store, "somebody's").await;
    let owner = store.users().await.expect("users").remove(0);
    let id = SecretId::generate();
    store
        .create_secret(&model::TeamId::first(), &owner.id, &id, name, "sealed-1")
        .await
        .expect("kept");
    id
}

fn plain(name: &str, value: &str) -> Variable {
    Variable {
        name: name.into(),
        value: VariableValue::Plain(value.into()),
    }
}

fn given(name: &str, secret: &SecretId) -> Variable {
    Variable {
        name: name.into(),
        value: VariableValue::Secret(secret.clone()),
    }
}

on_both! {
    async fn a_name_is_taken_once(store: Store) {
        let id = secret(&store, "API_KEY").await;
        let owner = store.users().await.expect("users").remove(0);
        let again = store.create_secret(&model::TeamId::first(), &owner.id, &SecretId::generate(), "API_KEY", "x").await;
        assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
        let odd = store.create_secret(&model::TeamId::first(), &owner.id, &SecretId::generate(), "API KEY", "x").await;
        assert!(matches!(odd, Err(StoreError::Invalid(_))), "{odd:?}");
        let all = store.list_secrets(&model::TeamId::first()).await.expect("secrets");
        assert_eq!((all.len(), &all[0].id, all[0].used_by.len()), (1, &id, 0));
    }

    async fn a_value_is_replaced_and_only_an_unused_secret_deleted(store: Store) {
        let (id, other) = (secret(&store, "B").await, secret(&store, "A").await);
        store.replace_secret(&model::TeamId::first(), &id, "sealed-2").await.expect("replaced");
        let sealed: Vec<_> = store.sealed_secrets(&model::TeamId::first()).await.expect("sealed").into_iter().map(|one| (one.name, one.sealed)).collect();
        assert_eq!(sealed, [("A".into(), "sealed-1".into()), ("B".into(), "sealed-2".into())]);
        let nobody = SecretId::generate();
        assert!(matches!(store.replace_secret(&model::TeamId::first(), &nobody, "x").await, Err(StoreError::NotFound(_))));
        assert!(matches!(store.delete_secret(&model::TeamId::first(), &nobody).await, Err(StoreError::NotFound(_))));

        let agent = agent(&store, "Mailer").await;
        let variables = [given("TOKEN", &id), plain("MODE", "é\n"), given("TOKEN_2", &id)];
        store.save_variables(&agent.id, &variables).await.expect("saved");
        assert_eq!(store.variables(&agent.id).await.expect("variables"), variables);
        let all = store.list_secrets(&model::TeamId::first()).await.expect("secrets");
        let used: Vec<_> = all[1].used_by.iter().map(|used| (used.slug.as_str(), used.variable.as_str())).collect();
        assert_eq!(used, [(agent.slug.as_str(), "TOKEN"), (agent.slug.as_str(), "TOKEN_2")]);
        let refused = store.delete_secret(&model::TeamId::first(), &id).await.expect_err("it is used");
        assert!(refused.to_string().contains("given to Mailer."), "{refused}");
        store.delete_secret(&model::TeamId::first(), &other).await.expect("nobody has it");
        store.save_variables(&agent.id, &[plain("MODE", "")]).await.expect("saved");
        store.delete_secret(&model::TeamId::first(), &id).await.expect("nobody has it any more");
    }

    async fn variables_that_cannot_be_are_refused_whole(store: Store) {
        let agent = agent(&store, "One").await;
        store.save_variables(&agent.id, &[plain("A", "1")]).await.expect("saved");
        for wrong in [
            vec![plain("B", "1"), plain("B", "2")],
            vec![plain("1", "")],
            vec![plain("B", "a\0b")],
        ] {
            let error = store.save_variables(&agent.id, &wrong).await.expect_err("refused");
            assert!(matches!(error, StoreError::Invalid(_)), "{error:?}");
        }
        let gone = [plain("B", "1"), given("C", &SecretId::generate())];
        let error = store.save_variables(&agent.id, &gone).await.expect_err("refused");
        assert!(matches!(error, StoreError::NotFound(_)), "{error:?}");
        assert_eq!(store.variables(&agent.id).await.expect("variables"), [plain("A", "1")]);
        store.delete_agent(&agent.id).await.expect("deleted");
        assert_eq!(store.variables(&agent.id).await.expect("none"), []);
    }

    async fn sealing_anew_is_all_or_nothing(store: Store) {
        let (first, _) = (secret(&store, "A").await, secret(&store, "B").await);
        let run = run(&store).await;
        store.save_run_environment(&Hold::first(&run), "sealed-3").await.expect("saved");
        let refused = store
            .reseal(|id, sealed| match id == run.as_str() {
                true => Err(Invalid("no".into())),
                false => Ok(format!("{sealed}+")),
            })
            .await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
        assert_eq!(store.sealed_secrets(&model::TeamId::first()).await.expect("sealed")[0].sealed, "sealed-1");
        let count = store.reseal(|id, sealed| Ok(format!("{id} {sealed}"))).await.expect("sealed");
        assert_eq!(count, 2);
        assert_eq!(store.sealed_secrets(&model::TeamId::first()).await.expect("sealed")[0].sealed, format!("{first} sealed-1"));
        assert_eq!(store.run_environment(&run).await.expect("it"), Some(format!("{run} sealed-3")));
        store.forget_run_environment(&run).await.expect("forgotten");
        assert_eq!(store.run_environment(&run).await.expect("nothing"), None);
        let nobody = store.save_run_environment(&Hold::first(&RunId::generate()), "x").await;
        assert!(matches!(nobody, Err(StoreError::NotFound(_))), "{nobody:?}");
    }
}
