//! Who makes the sandboxes: Daytona's cloud, or an engine that may run already.

use super::Finding;
use crate::configuration::{CloudSettings, Configuration};
use engine::lock;
use secrecy::ExposeSecret;

pub(super) async fn cloud(cloud: &CloudSettings) -> Finding {
    let asked = async {
        let client = daytona::Client::new(daytona::Config {
            api_url: cloud.api_url.clone(),
            api_key: cloud.api_key.expose_secret().to_owned().into(),
            target: cloud.target.clone(),
            organization_id: None,
        })?;
        // A list needs the key; a health check would not try it.
        client
            .list(&daytona::ListSandboxes {
                limit: Some(1),
                ..Default::default()
            })
            .await
            .map(drop)
    };
    let (is_well, sentence) = match asked.await {
        Ok(()) => (true, format!("Daytona at {} accepts the key.", cloud.api_url)),
        Err(error) => (
            false,
            format!("Daytona at {} cannot be used. {error}", cloud.api_url),
        ),
    };
    Finding {
        name: "Provider",
        is_well,
        is_needed: true,
        sentences: vec![sentence],
    }
}

pub(super) fn engine(configuration: &Configuration) -> Finding {
    let sentence = match lock::read(&configuration.data.join("engine")) {
        Some(found) => format!("Runs as process {} at {}.", found.pid, found.addr),
        None => "Does not run now; `pitlane serve` and `pitlane run` start one.".to_owned(),
    };
    Finding {
        name: "Engine",
        is_well: true,
        is_needed: false,
        sentences: vec![sentence],
    }
}
