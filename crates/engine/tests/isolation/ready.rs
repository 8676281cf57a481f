//! Sandboxes that stand ready: how they become somebody's, and that nothing of
//! those nobody got stays.

use std::path::Path;

use engine::sandbox::SandboxSpec;
use libtest_mimic::Trial;

use crate::kit::{Ground, ground, ground_with, sh, trial, unique, until};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("ready::a_home_that_is_kept_is_given_away", kept),
        trial("ready::each_name_serves_its_own", apart),
        trial("ready::what_nobody_got_goes", unwanted),
    ]
}

fn medium() -> SandboxSpec {
    SandboxSpec {
        cpu: 2,
        memory_bytes: 512 << 20,
        disk_bytes: 64 << 20,
        ..SandboxSpec::default()
    }
}

fn named(spec: SandboxSpec, keep_home: bool) -> SandboxSpec {
    SandboxSpec {
        id: unique(),
        keep_home,
        ..spec
    }
}

fn homes(ground: &Ground) -> Vec<String> {
    let folder = std::fs::read_dir(ground.data.path().join("homes")).unwrap();
    folder
        .map(|home| home.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// `false` where none can be ready.
async fn fill(ground: &Ground, name: &str, spec: SandboxSpec, size: usize) -> bool {
    if !ground.host.isolation().level.has_namespaces() {
        assert!(ground.host.keep_ready(name, spec, size).is_err());
        return false;
    }
    ground.host.keep_ready(name, spec, size).unwrap();
    until(30, "they are ready", || ground.host.ready(name).count == size).await;
    true
}

async fn kept() {
    let ground = ground().await;
    if !fill(&ground, "mine", medium(), 1).await {
        return;
    }
    let spec = named(medium(), true);
    let sandbox = ground.host.create_from(&["mine"], spec.clone()).await.unwrap();
    assert_eq!(sandbox.pool(), Some("mine"));
    let ran = sh(&sandbox, "echo mine > file && id -u && df -P . | tail -1 | wc -l").await;
    assert_eq!(ran.exit.code, Some(0), "{ran:?}");
    assert!(homes(&ground).contains(&spec.id));
    sandbox.destroy().await.unwrap();
    assert!(homes(&ground).contains(&spec.id), "its home is its own");

    // Its next life is on the home it has, not on an empty one.
    until(30, "another is ready", || ground.host.ready("mine").count == 1).await;
    let again = ground.host.create_from(&["mine"], spec.clone()).await.unwrap();
    assert_eq!(again.pool(), None);
    assert_eq!(sh(&again, "cat file").await.out, "mine\n");
    again.destroy().await.unwrap();

    // One that keeps nothing takes a ready home away with it.
    let fleeting = named(medium(), false);
    let sandbox = ground
        .host
        .create_from(&["mine"], fleeting.clone())
        .await
        .unwrap();
    assert_eq!(sandbox.pool(), Some("mine"));
    assert_eq!(sh(&sandbox, "ls; echo x > file; cat file").await.out, "x\n");
    sandbox.destroy().await.unwrap();
    assert!(!homes(&ground).contains(&fleeting.id));
    ground.host.shutdown().await;
}

async fn apart() {
    let ground = ground_with(|config| config.warm = 1).await;
    if !fill(&ground, "one", medium(), 1).await {
        return;
    }
    // Nobody else's, and another disk is another kind.
    let other = ground
        .host
        .create_from(&["two"], named(medium(), true))
        .await
        .unwrap();
    assert_eq!(other.pool(), None);
    // The operator's serve everyone, those that keep their home too.
    for keep_home in [true, false] {
        let spec = named(SandboxSpec::default(), keep_home);
        let name = if keep_home { "own-kept" } else { "own" };
        until(30, "the operator's are ready", || {
            ground.host.ready(name).count == 1
        })
        .await;
        let own = ground.host.create_from(&["one"], spec).await.unwrap();
        assert_eq!(own.pool(), Some(name));
    }
    let mine = ground
        .host
        .create_from(&["two", "one"], named(medium(), true))
        .await
        .unwrap();
    assert_eq!(mine.pool(), Some("one"));
    ground.host.shutdown().await;
}

async fn unwanted() {
    let ground = ground().await;
    if !fill(&ground, "many", medium(), 3).await {
        return;
    }
    assert_eq!(homes(&ground).len(), 3);
    ground.host.keep_ready("many", medium(), 1).unwrap();
    assert_eq!(ground.host.ready("many").count, 1);
    until(30, "two homes are gone", || homes(&ground).len() == 1).await;
    ground.host.keep_no_more("many");
    assert_eq!(ground.host.ready("many").count, 0);
    until(30, "no home is left", || homes(&ground).is_empty()).await;

    // Nor at the engine's end.
    fill(&ground, "again", medium(), 2).await;
    ground.host.shutdown().await;
    let folder = ground.data.path().join("homes");
    until(30, "nothing is left", || is_empty(&folder)).await;

    // What cannot be made says why, and is made once it can be.
    let ground = self::ground().await;
    let folder = ground.data.path().join("homes");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "not a folder").unwrap();
    ground.host.keep_ready("odd", medium(), 1).unwrap();
    until(30, "it is said", || ground.host.ready("odd").trouble.is_some()).await;
    assert_eq!(ground.host.ready("odd").count, 0);
    std::fs::remove_file(&folder).unwrap();
    std::fs::create_dir(&folder).unwrap();
    until(30, "it is made", || ground.host.ready("odd").count == 1).await;
    assert_eq!(ground.host.ready("odd").trouble, None);
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}
