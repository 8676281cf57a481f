//! Signed addresses of files, as the official SDKs make them.

use libtest_mimic::Trial;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use daytona::{CreateSandbox, Sandbox};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::support::{Engine, eventually};

pub fn trials() -> Vec<Trial> {
    trials![
        a_signed_address_reads_one_file,
        a_signed_address_writes_one_file,
        signatures_end_with_their_key_and_time,
        a_signing_key_outlives_the_engine,
    ]
}

async fn signing_key(engine: &Engine, sandbox: &Sandbox) -> String {
    let url = format!("{}/api/sandbox/{}/signing-key", engine.url, sandbox.id);
    let answer = engine.http().get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

async fn rotate(engine: &Engine, sandbox: &Sandbox) -> String {
    let url = format!("{}/api/sandbox/{}/signing-key/rotate", engine.url, sandbox.id);
    let answer = engine.http().post(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

fn signature(key: &str, method: &str, path: &str, expires: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(format!("v1:files:{method}:{path}:{expires}").as_bytes());
    format!("v1_{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// An address as an SDK makes it.
fn sign(
    engine: &Engine,
    sandbox: &Sandbox,
    key: &str,
    (method, call): (&str, &str),
    path: &str,
    expires: &str,
) -> String {
    let mut url =
        reqwest::Url::parse(&format!("{}/toolbox/{}/files/{call}", engine.url, sandbox.id)).unwrap();
    url.query_pairs_mut()
        .append_pair("path", path)
        .append_pair("expires", expires)
        .append_pair("signature", &signature(key, method, path, expires));
    url.to_string()
}

const READ: (&str, &str) = ("GET", "download");
const WRITE: (&str, &str) = ("POST", "upload-v2");

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs()
}

async fn a_signed_address_reads_one_file() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let path = "/home/daytona/d/a +&%ü.txt";
    let content = "0123456789";
    toolbox
        .upload(vec![
            (path.to_owned(), content.into()),
            ("/tmp/other".to_owned(), "x".into()),
        ])
        .await
        .unwrap();
    let key = signing_key(&engine, &sandbox).await;
    assert_eq!(signing_key(&engine, &sandbox).await, key, "it stays");
    let anybody = reqwest::Client::new();
    let url = sign(&engine, &sandbox, &key, READ, path, "0");
    let whole = anybody.get(&url).send().await.unwrap();
    assert_eq!(whole.status(), 200);
    assert_eq!(whole.text().await.unwrap(), content);
    let part = anybody
        .get(&url)
        .header("range", "bytes=2-4")
        .send()
        .await
        .unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 2-4/10");
    assert_eq!(part.text().await.unwrap(), "234");
    let head = anybody.head(&url).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["content-length"], "10");
    assert_eq!(head.headers()["accept-ranges"], "bytes");

    // Nothing else is opened by it.
    let changed = [
        url.replace("download", "info"),
        url.replace("download", "upload"),
        url.replace("expires=0", "expires=00"),
        url.replace("expires=0", "expires=99999999999"),
        url.replace("a+", "b+"),
        url.replace("signature=v1_", "signature="),
        url.replace("signature=v1_", "signature=v2_"),
        format!("{url}&path=/tmp/other"),
        url.replace("path=", "path=/tmp/other&path="),
        url[..url.len() - 1].to_owned(),
        format!("{url}A"),
    ];
    for url in changed {
        let status = anybody.get(&url).send().await.unwrap().status().as_u16();
        assert_eq!(status, 401, "{url}");
    }
    for method in [
        reqwest::Method::POST,
        reqwest::Method::PUT,
        reqwest::Method::DELETE,
    ] {
        let status = anybody
            .request(method.clone(), &url)
            .send()
            .await
            .unwrap()
            .status();
        assert_eq!(status, 401, "{method}");
    }
    // The same path in another sandbox.
    let (other, _) = engine.sandbox().await;
    signing_key(&engine, &other).await;
    let elsewhere = url.replace(&sandbox.id, &other.id);
    assert_eq!(anybody.get(elsewhere).send().await.unwrap().status(), 401);
    // A signature is no way around the file's own rules.
    let none = sign(&engine, &sandbox, &key, READ, "/none", "0");
    assert_eq!(anybody.get(none).send().await.unwrap().status(), 404);
    let device = sign(&engine, &sandbox, &key, READ, "/dev/zero", "0");
    assert_eq!(anybody.get(device).send().await.unwrap().status(), 400);
}

async fn a_signed_address_writes_one_file() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let key = signing_key(&engine, &sandbox).await;
    let anybody = reqwest::Client::new();
    let url = sign(
        &engine,
        &sandbox,
        &key,
        WRITE,
        "/home/daytona/new/raw",
        &(now() + 600).to_string(),
    );
    let written = anybody.post(&url).body("raw bytes").send().await.unwrap();
    assert_eq!(written.status(), 200);
    assert_eq!(&toolbox.download("new/raw").await.unwrap()[..], b"raw bytes");
    let part = reqwest::multipart::Part::bytes(b"in a form".to_vec()).file_name("other-name");
    let form = reqwest::multipart::Form::new().part("file", part);
    let written = anybody.post(&url).multipart(form).send().await.unwrap();
    assert_eq!(written.status(), 200);
    assert_eq!(&toolbox.download("new/raw").await.unwrap()[..], b"in a form");
    // Reading and writing are signed apart.
    let read = url.replace("upload-v2", "download");
    assert_eq!(anybody.get(read).send().await.unwrap().status(), 401);
    assert_eq!(anybody.get(&url).send().await.unwrap().status(), 401);
    let written = url.replace("upload-v2", "upload");
    assert_eq!(
        anybody.post(written).body("x").send().await.unwrap().status(),
        401
    );
}

async fn signatures_end_with_their_key_and_time() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    toolbox.upload(vec![("a".to_owned(), "a".into())]).await.unwrap();
    let anybody = reqwest::Client::new();
    let status = async |url: &str| anybody.get(url).send().await.unwrap().status().as_u16();
    // Nobody has asked for the key yet, so that nothing can be signed.
    let early = sign(&engine, &sandbox, "", READ, "/home/daytona/a", "0");
    assert_eq!(status(&early).await, 401);

    let key = signing_key(&engine, &sandbox).await;
    let forever = sign(&engine, &sandbox, &key, READ, "/home/daytona/a", "0");
    let over = sign(
        &engine,
        &sandbox,
        &key,
        READ,
        "/home/daytona/a",
        &(now() - 1).to_string(),
    );
    let soon = sign(
        &engine,
        &sandbox,
        &key,
        READ,
        "/home/daytona/a",
        &(now() + 2).to_string(),
    );
    assert_eq!(status(&forever).await, 200);
    assert_eq!(status(&over).await, 401);
    eventually("its time is over", async || status(&soon).await == 401).await;
    for odd in ["-1", "", "x", "1e9", "99999999999999999999999"] {
        let url = sign(&engine, &sandbox, &key, READ, "/home/daytona/a", odd);
        assert_eq!(status(&url).await, 401, "{odd:?}");
    }
    let next = rotate(&engine, &sandbox).await;
    assert_ne!(next, key);
    assert_eq!(signing_key(&engine, &sandbox).await, next);
    assert_eq!(status(&forever).await, 401);
    let anew = sign(&engine, &sandbox, &next, READ, "/home/daytona/a", "0");
    assert_eq!(status(&anew).await, 200);
    // With a key of the engine no signature is needed, and a wrong one is no harm.
    let answer = engine.http().get(&forever).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

async fn a_signing_key_outlives_the_engine() {
    let mut engine = Engine::start();
    let sandbox = engine.client().create(&CreateSandbox::default()).await.unwrap();
    let key = signing_key(&engine, &sandbox).await;
    let toolbox = engine.client().toolbox(&sandbox).await.unwrap();
    toolbox
        .upload(vec![("a".to_owned(), "kept".into())])
        .await
        .unwrap();
    assert!(engine.end());
    let again = Engine::start_in(engine.data.clone(), &[]);
    assert_eq!(signing_key(&again, &sandbox).await, key);
    let url = sign(&again, &sandbox, &key, READ, "/home/daytona/a", "0");
    let anybody = reqwest::Client::new();
    assert_eq!(
        anybody.get(&url).send().await.unwrap().status(),
        400,
        "it is stopped"
    );
    again.client().start(&sandbox.id).await.unwrap();
    assert_eq!(
        anybody.get(&url).send().await.unwrap().text().await.unwrap(),
        "kept"
    );
    again.client().delete(&sandbox.id).await.unwrap();
}
