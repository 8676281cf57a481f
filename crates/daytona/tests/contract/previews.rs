//! Ways in from outside, and what was recorded.

use super::Contract;
use daytona::{Sandbox, TelemetryQuery};
use std::time::Duration;

pub async fn contract(contract: &Contract, sandbox: &Sandbox) {
    let client = &contract.client;
    let id = sandbox.id.as_str();
    if let Some(preview) = contract.may("preview", client.preview(id, 3000).await) {
        assert_eq!(preview.sandbox_id, id);
        assert!(preview.url.starts_with("http") && !preview.token.is_empty());
    }
    let signed = client
        .signed_preview(id, 3000, Some(Duration::from_secs(120)))
        .await;
    if let Some(signed) = contract.may("signed preview", signed) {
        assert!(signed.port == 3000 && signed.url.contains(&signed.token));
        client
            .expire_signed_preview(id, 3000, &signed.token)
            .await
            .expect("it ends early");
    }
    let access = client.create_ssh_access(id, Some(Duration::from_secs(600))).await;
    if let Some(access) = contract.may("ssh access", access) {
        assert!(access.ssh_command.contains(&access.token));
        let known = client
            .validate_ssh_access(&access.token)
            .await
            .expect("an answer");
        assert!(known.valid && known.sandbox_id == id);
        client
            .revoke_ssh_access(id, Some(&access.token))
            .await
            .expect("it ends");
        assert!(
            !client
                .validate_ssh_access(&access.token)
                .await
                .expect("an answer")
                .valid
        );
    }
    let query = TelemetryQuery {
        from: "2026-01-01T00:00:00Z".into(),
        to: "2099-01-01T00:00:00Z".into(),
        ..TelemetryQuery::default()
    };
    let names = ["daytona.sandbox.cpu.utilization", "daytona.sandbox.memory.usage"];
    let metrics = client.telemetry_metrics(id, &query, &names).await;
    if let Some(metrics) = contract.may("telemetry metrics", metrics) {
        assert!(
            metrics
                .series
                .iter()
                .all(|series| names.contains(&series.metric_name.as_str()))
        );
    }
    contract.may("telemetry logs", client.telemetry_logs(id, &query).await);
    if let Some(traces) = contract.may("telemetry traces", client.telemetry_traces(id, &query).await)
        && let Some(first) = traces.items.first()
    {
        client
            .telemetry_trace(id, &first.trace_id)
            .await
            .expect("its spans");
    }
}
