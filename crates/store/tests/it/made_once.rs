//! Requests that may be sent again: made once, answered alike, forgotten when they made nothing.

use crate::fresh::on_both;
use store::{MadeAnswer, MadeOnce};

on_both! {
    async fn a_request_is_made_once_and_answered_alike(store: Store) {
        assert_eq!(store.begin_once("id", "what").await.expect("begun"), MadeOnce::New);
        assert_eq!(store.begin_once("id", "what").await.expect("looked"), MadeOnce::UnderWay);
        assert_eq!(store.begin_once("id", "else").await.expect("looked"), MadeOnce::Another);
        let answer = MadeAnswer {
            status: 201,
            location: "/api/v1/agents/x".to_owned(),
            body: Some("{}".to_owned()),
        };
        store.finish_once("id", &answer).await.expect("noted");
        assert_eq!(store.begin_once("id", "what").await.expect("looked"), MadeOnce::Answered(answer));
        assert_eq!(store.begin_once("id", "else").await.expect("looked"), MadeOnce::Another);
    }

    async fn what_made_nothing_comes_for_the_first_time_again(store: Store) {
        assert_eq!(store.begin_once("id", "what").await.expect("begun"), MadeOnce::New);
        store.forget_once("id").await.expect("forgotten");
        assert_eq!(store.begin_once("id", "else").await.expect("begun"), MadeOnce::New);
    }

    async fn of_many_at_once_one_is_the_first(store: Store) {
        let begin = || store.begin_once("id", "what");
        let found: [_; 4] = tokio::join!(begin(), begin(), begin(), begin()).into();
        let new = found.into_iter().filter(|found| matches!(found, Ok(MadeOnce::New)));
        assert_eq!(new.count(), 1);
    }
}
