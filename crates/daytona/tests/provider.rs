//! The contract, held against the provider that the environment names: with
//! `DAYTONA_API_KEY` (and `DAYTONA_API_URL` for another than Daytona's cloud),
//! `cargo test -p daytona --test provider -- --ignored`. It makes a handful of
//! small sandboxes and deletes them.

mod contract;

#[tokio::test]
#[ignore = "makes sandboxes at the provider of DAYTONA_API_KEY"]
async fn the_provider_keeps_the_contract() {
    let key = std::env::var("DAYTONA_API_KEY").expect("DAYTONA_API_KEY names the key to use");
    let url = std::env::var("DAYTONA_API_URL").unwrap_or_else(|_| daytona::DEFAULT_API_URL.to_owned());
    let unserved = contract::provider_contract(&url, &key).await;
    assert!(unserved.len() < 20, "it serves too little: {unserved:?}");
}
