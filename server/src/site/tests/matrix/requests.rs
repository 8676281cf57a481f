//! What is sent to each address: something that works, so that a refusal is
//! about who sends it and nothing else.

use super::world::World;
use model::RunId;
use serde_json::{Value, json};

/// The fields of a schedule.
const SCHEDULE: &str = "name=x&cron=@daily&zone=UTC&missed=skip&overlap=skip";

/// How it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Without a body.
    Plain,
    /// Fields of a form.
    Form,
    /// JSON.
    Json,
    /// The beginning of a WebSocket.
    Socket,
}

/// A request that works.
#[derive(Clone, Debug)]
pub struct Example {
    /// Its method.
    pub method: String,
    /// Where it goes.
    pub path: String,
    /// How it is sent.
    pub kind: Kind,
    /// What is sent.
    pub body: String,
    /// Statuses that are as good as success: what it is about is not so at the moment.
    pub or: Vec<u16>,
}

impl Example {
    fn or(mut self, status: u16) -> Self {
        self.or.push(status);
        self
    }
}

/// The address of a route, with the ids of the world in it.
pub fn address(route: &str, world: Option<&World>) -> String {
    const NOBODY: &str = "0199f3b2-6c1e-7d4a-8f00-0123456789ab";
    let mut before = "";
    let parts = route.split('/').map(|part| {
        let is_one = part.starts_with('{');
        let value = match (world, before, part) {
            (_, _, part) if !is_one => part.to_owned(),
            (None, ..) => NOBODY.to_owned(),
            (Some(world), "agents", "{slug}") => world.agent.slug.clone(),
            (Some(world), "agents", _) => world.agent.id.to_string(),
            (Some(world), "tokens", _) => world.token.to_string(),
            (Some(world), "interpreter", _) => world.interpreter.to_string(),
            (Some(world), "runs", _) => world.run.to_string(),
            (Some(world), "revisions", _) => world.revision.to_string(),
            (Some(world), "secrets", _) => world.secret.to_string(),
            (Some(world), "sandboxes", _) => world.sandbox.to_string(),
            (Some(_), "processes", _) => format!("process-{NOBODY}"),
            (Some(_), "ports", _) => "8000".to_owned(),
            (Some(_), "files", "{*path}") => "agent.py".to_owned(),
            (Some(world), "schedules", _) => world.schedule.to_string(),
            (Some(world), "members", _) => world.colleague.to_string(),
            (Some(world), "webhooks", _) => world.target.to_string(),
            (Some(world), "deliveries", _) => world.delivery.clone(),
            (Some(_), ..) => NOBODY.to_owned(),
        };
        before = part;
        value
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The example for an address; none when there has to be one and is not.
pub fn example(key: &str, world: &World) -> Option<Example> {
    let (method, route) = key.split_once(' ')?;
    let make = |kind, body: String| Example {
        method: method.to_owned(),
        path: address(route, Some(world)),
        kind,
        body,
        or: Vec::new(),
    };
    let plain = || make(Kind::Plain, String::new());
    let form = |fields: &str| make(Kind::Form, fields.to_owned());
    let json = |value: Value| make(Kind::Json, value.to_string());
    let asking = |query: &str| Example {
        path: format!("{}?{query}", address(route, Some(world))),
        ..plain()
    };
    let (agent, run) = (&world.agent.id, &world.run);
    let file = json!({"agent": agent, "path": "agent.py"});
    Some(match key {
        "GET /assets/{hash}/{*path}" => plain().or(404),
        "GET /api/agents/{agent}/ws" => make(Kind::Socket, String::new()),
        "GET /api/agents/{agent}/interpreter/ws" => make(Kind::Socket, String::new()),
        // There is no provider, and nothing runs in the one there is.
        "POST /api/agents/{agent}/interpreter" => json(json!({})).or(503),
        "POST /api/agents/{agent}/interpreter/{interpreter}/interrupt" => plain().or(409),
        "DELETE /api/agents/{agent}/interpreter/{interpreter}" => plain(),
        "POST /api/agents/{agent}/execute" => json(json!({})),
        "PUT /api/agents/{id}/files/{*path}" => make(Kind::Plain, "print(2)\n".to_owned()).or(412),
        "POST /api/v1/agents" => json(json!({"name": "Another", "language": "python"})),
        "PATCH /api/v1/agents/{agent}" => json(json!({"description": "Changed"})),
        "DELETE /api/v1/agents/{agent}" => plain(),
        "PUT /api/v1/agents/{agent}/files/{*path}" => make(Kind::Plain, "print(2)\n".to_owned()),
        "PATCH /api/v1/agents/{agent}/files/{*path}" => json(json!({"to": "main.py"})),
        "DELETE /api/v1/agents/{agent}/files/{*path}" => plain(),
        "DELETE /api/v1/members/{user}" => plain(),
        "POST /api/v1/members" => json(json!({"name": world.stranger_name, "role": "viewer"})),
        "PATCH /api/v1/members/{user}" => json(json!({"role": "member"})),
        "PUT /api/v1/budget" => json(json!({"monthly": 100_000_000, "free_credit": 0})),
        "POST /api/v1/tokens" => json(json!({"name": "ci", "scopes": ["read"], "days": 1})),
        "DELETE /api/v1/tokens/{token}" => plain(),
        "POST /api/v1/agents/{agent}/runs" => json(json!({})),
        "PUT /api/v1/agents/{agent}/variables" => json(json!({"variables": []})),
        "POST /api/v1/runs/{run}/stop" => plain(),
        "POST /api/v1/runs/{run}/stdin" => json(json!({"text": "x"})).or(409),
        "GET /api/v1/compare/runs" => asking(&format!("a={run}&b={run}")),
        "GET /api/v1/revisions/{revision}/compare" => asking(&format!("with={}", world.revision)),
        "POST /api/v1/secrets" => json(json!({"name": "ANOTHER", "value": "0123456789"})),
        "PUT /api/v1/secrets/{secret}" => json(json!({"value": "0123456789"})),
        "DELETE /api/v1/secrets/{secret}" => plain(),
        // No provider answers for the sandbox there is, and nothing runs in it.
        "POST /api/v1/sandboxes/{sandbox}/stop"
        | "POST /api/v1/sandboxes/{sandbox}/archive"
        | "POST /api/v1/sandboxes/{sandbox}/restore" => plain().or(409),
        "DELETE /api/v1/sandboxes/{sandbox}" => plain().or(503),
        "GET /api/v1/sandboxes/{sandbox}/files"
        | "GET /api/v1/sandboxes/{sandbox}/file"
        | "DELETE /api/v1/sandboxes/{sandbox}/file"
        | "PUT /api/v1/sandboxes/{sandbox}/file" => asking("path=a").or(409).or(503),
        "POST /api/v1/sandboxes/{sandbox}/git/clone" => {
            json(json!({"url": "https://git.example/a.git", "path": "a"}))
                .or(409)
                .or(503)
        }
        "POST /api/v1/sandboxes/{sandbox}/processes" => json(json!({"command": "true"})).or(409).or(503),
        "GET /api/v1/sandboxes/{sandbox}/processes"
        | "GET /api/v1/sandboxes/{sandbox}/processes/{process}/log"
        | "DELETE /api/v1/sandboxes/{sandbox}/processes/{process}"
        | "GET /api/v1/sandboxes/{sandbox}/ports/{port}" => plain().or(409).or(503),
        // The account.
        "POST /fn/load_me" | "POST /fn/instance" | "POST /fn/sign_out" => form(""),
        "POST /fn/sign_in" => form(&format!(
            "name={}&password={}",
            world.owner_name,
            super::world::PASSWORD
        )),
        "POST /fn/set_owner" => form("name=another&password=long+enough+for+one").or(409),
        "POST /fn/change_password" => form(&format!(
            "current={}&password=another+long+one",
            super::world::PASSWORD
        )),
        "POST /fn/load_account" | "POST /fn/list_accounts" | "POST /fn/list_invitations" => form(""),
        "POST /fn/end_other_sessions" => form(""),
        // Whoever asks has no such session, and no identity to take away.
        "POST /fn/end_session" => form(&format!("session={}", address("{id}", None))).or(404),
        "POST /fn/unlink_provider" => form("").or(409),
        // Nobody made these links.
        "POST /fn/load_reset" | "POST /fn/load_invitation" => form("token=none"),
        "POST /fn/reset_password" => form("token=none&password=long+enough+for+one").or(404),
        "POST /fn/accept_invitation" => form("token=none&name=x&password=long+enough+for+one").or(404),
        "POST /fn/join_team" => form("token=none").or(404),
        "POST /fn/create_invitation" => form("role=viewer&note=x&days=1"),
        "POST /fn/revoke_invitation" => form(&format!("invitation={}", address("{id}", None))).or(404),
        // Other accounts than one's own.
        "POST /fn/create_reset_link"
        | "POST /fn/disable_account"
        | "POST /fn/enable_account"
        | "POST /fn/delete_account" => form(&format!("user={}", world.colleague)),
        // Agents and their files.
        "POST /fn/list_agents" => form(""),
        "POST /fn/create_agent_from_template" => form("template=streaming-hello"),
        "POST /fn/create_blank_agent" => form("name=Another&language=python"),
        "POST /fn/load_studio" => form(&format!("slug={}", world.agent.slug)),
        "POST /fn/load_agent"
        | "POST /fn/list_files"
        | "POST /fn/load_variables"
        | "POST /fn/live_sandbox" => json(json!({"agent": agent})),
        "POST /fn/discard_sandbox" => json(json!({"agent": agent})),
        "POST /fn/update_agent" => json(json!({"agent": agent, "settings": world.agent.settings})),
        "POST /fn/delete_agent" => form(&format!("agent={agent}")),
        "POST /fn/read_file" | "POST /fn/file_bytes" => json(file),
        "POST /fn/save_file" => json(json!({"agent": agent, "path": "new.py", "text": "1", "base": null})),
        "POST /fn/upload_file" => {
            json(json!({"agent": agent, "path": "new.py", "base64": "MQ==", "base": null}))
        }
        "POST /fn/rename_file" => json(json!({"agent": agent, "from": "agent.py", "to": "main.py"})),
        "POST /fn/delete_file" => json(json!({"agent": agent, "path": "agent.py", "version": 1})),
        "POST /fn/save_variables" => json(json!({"agent": agent, "variables": []})),
        // Runs.
        "POST /fn/start_run" => json(json!({"id": RunId::generate(), "agent": agent, "fresh": true})),
        "POST /fn/stop_run" => json(json!({"run": run})),
        "POST /fn/send_input" => json(json!({"run": run, "text": "x", "end": false})).or(409),
        "POST /fn/newest_studio_run" => json(json!({"agent": agent})),
        "POST /fn/list_runs" => json(json!({"agent": agent, "before": null})),
        "POST /fn/load_run" | "POST /fn/load_run_page" => json(json!({"id": run})),
        // Sandboxes. Nothing runs in the one there is.
        "POST /fn/load_sandboxes" | "POST /fn/look_again" => form(""),
        "POST /fn/stop_sandbox" | "POST /fn/archive_sandbox" | "POST /fn/restore_sandbox" => {
            json(json!({"sandbox": {"row": world.sandbox}})).or(409)
        }
        "POST /fn/delete_sandbox" => json(json!({"sandbox": {"row": world.sandbox}})).or(503),
        // Secrets and tokens.
        "POST /fn/list_secrets" | "POST /fn/list_tokens" => form(""),
        "POST /fn/add_secret" => form("name=ANOTHER&value=0123456789"),
        "POST /fn/replace_secret" => form(&format!("secret={}&value=0123456789", world.secret)),
        "POST /fn/delete_secret" => form(&format!("secret={}", world.secret)),
        "POST /fn/create_token" => json(json!({"name": "ci", "scopes": ["read"], "days": 1})),
        "POST /fn/revoke_token" => form(&format!("token={}", world.token)),
        // What it costs, and who did what.
        "POST /fn/load_usage" => form("month="),
        "POST /fn/load_run_cost" => json(json!({"run": run})),
        "POST /fn/set_budget" => form("monthly=100&free_credit="),
        "POST /fn/load_audit" => json(json!({"wanted": {
            "who": "", "action": "", "target": "", "from": "", "to": "", "before": "",
        }})),
        // Schedules and webhooks.
        "POST /fn/load_triggers" => json(json!({"slug": world.agent.slug})),
        "POST /fn/list_schedules" | "POST /fn/list_targets" => json(json!({})),
        "POST /fn/preview_schedule" => json(json!({"cron": "@daily", "zone": "UTC"})),
        "POST /fn/create_schedule" => form(&format!("agent={agent}&{SCHEDULE}")),
        "POST /fn/update_schedule" => form(&format!("schedule={}&{SCHEDULE}", world.schedule)),
        "POST /fn/switch_schedule" => form(&format!("schedule={}&is_on=false", world.schedule)),
        "POST /fn/delete_schedule" => form(&format!("schedule={}", world.schedule)),
        "POST /fn/create_hook" => json(json!({"agent": agent})).or(409),
        "POST /fn/rotate_hook" => json(json!({"agent": agent})),
        "POST /fn/update_hook" => form(&format!("agent={agent}&is_on=false&body=file")),
        "POST /fn/delete_hook" => form(&format!("agent={agent}")),
        "POST /fn/create_target" => json(json!({"url": "https://example.com/", "events": ["run.failed"]})),
        "POST /fn/update_target" => json(json!({
            "target": world.target, "url": "https://example.com/", "events": ["run.failed"], "is_on": false,
        })),
        "POST /fn/rotate_target" => json(json!({"target": world.target})),
        "POST /fn/delete_target" => form(&format!("target={}", world.target)),
        "POST /fn/replay_delivery" => form(&format!("delivery={}", world.delivery)),
        "POST /api/v1/agents/{agent}/schedules" => json(json!({"name": "x", "cron": "@daily"})),
        "PATCH /api/v1/schedules/{schedule}" => json(json!({"is_on": false})),
        "DELETE /api/v1/schedules/{schedule}"
        | "DELETE /api/v1/agents/{agent}/webhook"
        | "POST /api/v1/agents/{agent}/webhook/secret"
        | "POST /api/v1/webhooks/{webhook}/secret"
        | "DELETE /api/v1/webhooks/{webhook}"
        | "POST /api/v1/deliveries/{delivery}/replay" => plain(),
        "POST /api/v1/agents/{agent}/webhook" => plain().or(409),
        "PATCH /api/v1/agents/{agent}/webhook" => json(json!({"body": "file"})),
        "POST /api/v1/webhooks" => json(json!({"url": "https://example.com/", "events": ["run.failed"]})),
        "PATCH /api/v1/webhooks/{webhook}" => json(json!({"is_on": false})),
        // Without a signature it is from nobody.
        "POST /api/hooks/{id}" => plain(),
        // Teams.
        "POST /fn/load_team" => form(""),
        "POST /fn/switch_team" => form(&format!("team={}", world.team)),
        "POST /fn/create_team" => form(&format!("name=Team+{}", RunId::generate().short())),
        "POST /fn/rename_team" => form(&format!("name=Team+{}", RunId::generate().short())),
        // It has agents.
        "POST /fn/delete_team" => form("").or(409),
        "POST /fn/add_member" => form(&format!("name={}&role=viewer", world.stranger_name)),
        "POST /fn/set_member_role" => form(&format!("user={}&role=member", world.colleague)),
        "POST /fn/remove_member" => form(&format!("user={}", world.colleague)),
        "POST /fn/leave_team" => form(""),
        _ if method == "GET" => plain(),
        _ => return None,
    })
}
