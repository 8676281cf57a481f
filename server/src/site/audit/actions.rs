//! What is done at each address: the one list that says whether a request only
//! reads, and by what name its change stands in the audit log. A test holds it
//! against all addresses the site has, so that none is forgotten.

use http::Method;
use model::Action;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changes nothing that anybody has.
    Reads,
    /// It changes something.
    Changes(Action),
}

/// What is done at the site's own functions.
const FUNCTIONS: &[(&str, Effect)] = {
    use Action::*;
    use Effect::{Changes, Reads};
    &[
        ("accept_invitation", Changes(InviteAccept)),
        ("add_member", Changes(MemberAdd)),
        ("add_secret", Changes(SecretCreate)),
        ("change_password", Changes(AccountPassword)),
        ("create_agent_from_template", Changes(AgentCreate)),
        ("create_blank_agent", Changes(AgentCreate)),
        ("create_hook", Changes(WebhookCreate)),
        ("create_invitation", Changes(InviteCreate)),
        ("create_reset_link", Changes(AccountLink)),
        ("create_schedule", Changes(ScheduleCreate)),
        ("create_target", Changes(WebhookCreate)),
        ("create_team", Changes(TeamCreate)),
        ("create_token", Changes(TokenCreate)),
        ("delete_account", Changes(AccountDelete)),
        ("delete_agent", Changes(AgentDelete)),
        ("delete_file", Changes(FileDelete)),
        ("delete_hook", Changes(WebhookDelete)),
        ("delete_sandbox", Changes(SandboxDelete)),
        ("delete_schedule", Changes(ScheduleDelete)),
        ("delete_secret", Changes(SecretDelete)),
        ("delete_target", Changes(WebhookDelete)),
        ("delete_team", Changes(TeamDelete)),
        ("disable_account", Changes(AccountUpdate)),
        ("discard_sandbox", Changes(SandboxDelete)),
        ("enable_account", Changes(AccountUpdate)),
        ("end_other_sessions", Changes(SessionRevoke)),
        ("end_session", Changes(SessionRevoke)),
        ("file_bytes", Reads),
        ("instance", Reads),
        ("join_team", Changes(InviteAccept)),
        ("leave_team", Changes(MemberRemove)),
        ("list_accounts", Reads),
        ("list_agents", Reads),
        ("list_files", Reads),
        ("list_invitations", Reads),
        ("list_runs", Reads),
        ("list_schedules", Reads),
        ("list_secrets", Reads),
        ("list_targets", Reads),
        ("list_tokens", Reads),
        ("live_sandbox", Reads),
        ("load_account", Reads),
        ("load_agent", Reads),
        ("load_audit", Reads),
        ("load_invitation", Reads),
        ("load_me", Reads),
        ("load_reset", Reads),
        ("load_run", Reads),
        ("load_run_cost", Reads),
        ("load_run_page", Reads),
        ("load_sandboxes", Reads),
        ("load_studio", Reads),
        ("load_team", Reads),
        ("load_triggers", Reads),
        ("load_usage", Reads),
        ("load_variables", Reads),
        ("look_again", Changes(SandboxCompare)),
        ("newest_studio_run", Reads),
        ("preview_schedule", Reads),
        ("read_file", Reads),
        ("remove_member", Changes(MemberRemove)),
        ("rename_file", Changes(FileRename)),
        ("rename_team", Changes(TeamUpdate)),
        ("replace_secret", Changes(SecretReplace)),
        ("replay_delivery", Changes(WebhookReplay)),
        ("reset_password", Changes(AccountPassword)),
        ("revoke_invitation", Changes(InviteRevoke)),
        ("revoke_token", Changes(TokenRevoke)),
        ("rotate_hook", Changes(WebhookUpdate)),
        ("rotate_target", Changes(WebhookUpdate)),
        ("save_file", Changes(FileSave)),
        ("save_variables", Changes(AgentVariables)),
        ("send_input", Changes(RunInput)),
        ("set_budget", Changes(BudgetSet)),
        ("set_member_role", Changes(MemberRole)),
        ("set_owner", Changes(AccountSetUp)),
        ("sign_in", Changes(AccountSignIn)),
        ("sign_out", Changes(AccountSignOut)),
        ("start_run", Changes(RunStart)),
        ("stop_run", Changes(RunStop)),
        ("stop_sandbox", Changes(SandboxStop)),
        ("archive_sandbox", Changes(SandboxArchive)),
        ("restore_sandbox", Changes(SandboxRestore)),
        ("switch_schedule", Changes(ScheduleUpdate)),
        ("switch_team", Changes(TeamEnter)),
        ("unlink_provider", Changes(AccountUpdate)),
        ("update_agent", Changes(AgentUpdate)),
        ("update_hook", Changes(WebhookUpdate)),
        ("update_schedule", Changes(ScheduleUpdate)),
        ("update_target", Changes(WebhookUpdate)),
        ("upload_file", Changes(FileSave)),
    ]
};

/// What is done at the addresses of the API, but for those that are asked for with GET and only read.
const ROUTES: &[(&str, &str, Effect)] = {
    use Action::*;
    use Effect::Changes;
    &[
        ("POST", "/api/agents/{agent}/execute", Changes(RunStart)),
        ("GET", "/api/agents/{agent}/ws", Changes(RunStart)),
        ("PUT", "/api/agents/{id}/files/{*path}", Changes(FileSave)),
        (
            "POST",
            "/api/agents/{agent}/interpreter",
            Changes(InterpreterExecute),
        ),
        (
            "GET",
            "/api/agents/{agent}/interpreter/ws",
            Changes(InterpreterExecute),
        ),
        (
            "POST",
            "/api/agents/{agent}/interpreter/{interpreter}/interrupt",
            Changes(InterpreterChange),
        ),
        (
            "DELETE",
            "/api/agents/{agent}/interpreter/{interpreter}",
            Changes(InterpreterChange),
        ),
        ("POST", "/api/v1/agents", Changes(AgentCreate)),
        ("PATCH", "/api/v1/agents/{agent}", Changes(AgentUpdate)),
        ("DELETE", "/api/v1/agents/{agent}", Changes(AgentDelete)),
        ("PUT", "/api/v1/agents/{agent}/files/{*path}", Changes(FileSave)),
        (
            "DELETE",
            "/api/v1/agents/{agent}/files/{*path}",
            Changes(FileDelete),
        ),
        (
            "PATCH",
            "/api/v1/agents/{agent}/files/{*path}",
            Changes(FileRename),
        ),
        ("POST", "/api/v1/agents/{agent}/runs", Changes(RunStart)),
        ("PUT", "/api/v1/agents/{agent}/variables", Changes(AgentVariables)),
        ("POST", "/api/v1/runs/{run}/stdin", Changes(RunInput)),
        ("POST", "/api/v1/runs/{run}/stop", Changes(RunStop)),
        ("POST", "/api/v1/sandboxes/{sandbox}/stop", Changes(SandboxStop)),
        (
            "POST",
            "/api/v1/sandboxes/{sandbox}/archive",
            Changes(SandboxArchive),
        ),
        (
            "POST",
            "/api/v1/sandboxes/{sandbox}/restore",
            Changes(SandboxRestore),
        ),
        ("DELETE", "/api/v1/sandboxes/{sandbox}", Changes(SandboxDelete)),
        ("PUT", "/api/v1/sandboxes/{sandbox}/file", Changes(SandboxFile)),
        ("DELETE", "/api/v1/sandboxes/{sandbox}/file", Changes(SandboxFile)),
        (
            "POST",
            "/api/v1/sandboxes/{sandbox}/git/clone",
            Changes(SandboxFile),
        ),
        (
            "POST",
            "/api/v1/sandboxes/{sandbox}/processes",
            Changes(SandboxProcess),
        ),
        (
            "DELETE",
            "/api/v1/sandboxes/{sandbox}/processes/{process}",
            Changes(SandboxProcess),
        ),
        ("POST", "/api/v1/secrets", Changes(SecretCreate)),
        ("PUT", "/api/v1/secrets/{secret}", Changes(SecretReplace)),
        ("DELETE", "/api/v1/secrets/{secret}", Changes(SecretDelete)),
        ("POST", "/api/v1/members", Changes(MemberAdd)),
        ("PATCH", "/api/v1/members/{user}", Changes(MemberRole)),
        ("DELETE", "/api/v1/members/{user}", Changes(MemberRemove)),
        ("PUT", "/api/v1/budget", Changes(BudgetSet)),
        ("POST", "/api/v1/tokens", Changes(TokenCreate)),
        ("DELETE", "/api/v1/tokens/{token}", Changes(TokenRevoke)),
        (
            "POST",
            "/api/v1/agents/{agent}/schedules",
            Changes(ScheduleCreate),
        ),
        ("PATCH", "/api/v1/schedules/{schedule}", Changes(ScheduleUpdate)),
        ("DELETE", "/api/v1/schedules/{schedule}", Changes(ScheduleDelete)),
        ("POST", "/api/v1/agents/{agent}/webhook", Changes(WebhookCreate)),
        ("PATCH", "/api/v1/agents/{agent}/webhook", Changes(WebhookUpdate)),
        ("DELETE", "/api/v1/agents/{agent}/webhook", Changes(WebhookDelete)),
        (
            "POST",
            "/api/v1/agents/{agent}/webhook/secret",
            Changes(WebhookUpdate),
        ),
        ("POST", "/api/hooks/{id}", Changes(RunStart)),
        ("POST", "/api/v1/webhooks", Changes(WebhookCreate)),
        ("PATCH", "/api/v1/webhooks/{webhook}", Changes(WebhookUpdate)),
        ("DELETE", "/api/v1/webhooks/{webhook}", Changes(WebhookDelete)),
        (
            "POST",
            "/api/v1/webhooks/{webhook}/secret",
            Changes(WebhookUpdate),
        ),
        (
            "POST",
            "/api/v1/deliveries/{delivery}/replay",
            Changes(WebhookReplay),
        ),
    ]
};

/// What the table says of a request; none when it does not know the address.
pub fn known(method: &Method, route: &str) -> Option<Effect> {
    if let Some(name) = route.strip_prefix("/fn/") {
        return FUNCTIONS
            .iter()
            .find(|(function, _)| *function == name)
            .map(|(_, effect)| *effect);
    }
    let listed = ROUTES
        .iter()
        .find(|(of, at, _)| *of == method.as_str() && *at == route)
        .map(|(.., effect)| *effect);
    // Pages, and what is looked at through the API.
    listed.or_else(|| {
        [Method::GET, Method::HEAD]
            .contains(method)
            .then_some(Effect::Reads)
    })
}

/// What a request to this address does. One that the table does not know may change anything.
pub fn effect(method: &Method, route: &str) -> Effect {
    known(method, route).unwrap_or(Effect::Changes(Action::Other))
}
