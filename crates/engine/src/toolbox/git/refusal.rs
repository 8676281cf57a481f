//! Git's complaints in Daytona's codes and statuses, told apart by the English
//! words git has used for them for years.

use axum::http::StatusCode;
use daytona::codes;

use crate::fault::Fault;

/// Characters of a message that are passed on.
const SHOWN: usize = 2000;

/// Git's words for each status and code; where several parts make a complaint,
/// an ellipsis stands between them. The first that fits counts, so that causes
/// stand before what follows from them.
const KNOWN: &[(StatusCode, &str, &[&str])] = &[
    (
        StatusCode::UNAUTHORIZED,
        codes::GIT_AUTH_FAILED,
        &[
            "authentication failed",
            "could not read username",
            "could not read password",
            "terminal prompts disabled",
            "invalid username or password",
            "permission denied (publickey",
            "requested url returned error: 401",
        ],
    ),
    (
        StatusCode::FORBIDDEN,
        codes::FORBIDDEN,
        &["requested url returned error: 403", "remote: permission…denied"],
    ),
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        codes::GIT_REMOTE_REJECTED,
        &["[remote rejected]", "hook declined"],
    ),
    (
        StatusCode::CONFLICT,
        codes::GIT_PUSH_REJECTED,
        &["[rejected]", "updates were rejected"],
    ),
    (
        StatusCode::CONFLICT,
        codes::GIT_DIRTY_WORKTREE,
        &[
            "would be overwritten by",
            "please commit your changes or stash them",
            "not uptodate. cannot merge",
        ],
    ),
    (
        StatusCode::CONFLICT,
        codes::GIT_MERGE_CONFLICT,
        &[
            "automatic merge failed",
            "unmerged files",
            "unmerged paths",
            "you have not concluded your merge",
            "you need to resolve your current index first",
            "needs merge",
            "not possible to fast-forward",
        ],
    ),
    (
        StatusCode::CONFLICT,
        codes::CONFLICT,
        &["refusing to merge unrelated histories"],
    ),
    (
        StatusCode::CONFLICT,
        codes::GIT_BRANCH_EXISTS,
        &[
            "a branch named…already exists",
            "cannot lock ref…exists; cannot create",
        ],
    ),
    (
        StatusCode::CONFLICT,
        codes::CONFLICT,
        &[
            "cannot delete branch",
            "remote…already exists",
            "already exists and is not an empty directory",
            ".lock': file exists",
        ],
    ),
    (
        StatusCode::NOT_FOUND,
        codes::GIT_BRANCH_NOT_FOUND,
        &[
            "remote branch…not found in upstream",
            "couldn't find remote ref",
            "not our ref",
            "invalid reference",
            "could not resolve…valid revision",
            "failed to resolve…valid revision",
            "unknown revision",
            "bad revision",
            "not a valid object name",
            "unable to read tree",
            "reference is not a tree",
            "could not resolve head",
            "src refspec…does not match any",
            "error: branch…not found",
            "not currently on a branch",
        ],
    ),
    (
        StatusCode::NOT_FOUND,
        codes::GIT_REPO_NOT_FOUND,
        &[
            "not a git repository",
            "does not appear to be a git repository",
            "repository…not found",
            "repository…does not exist",
            "requested url returned error: 404",
            "no such remote",
            "remote: not found",
        ],
    ),
    (
        StatusCode::NOT_FOUND,
        codes::FILE_NOT_FOUND,
        &["pathspec…did not match any"],
    ),
    (
        StatusCode::INSUFFICIENT_STORAGE,
        codes::INTERNAL_SERVER_ERROR,
        &["no space left on device", "disk quota exceeded"],
    ),
    (
        StatusCode::BAD_GATEWAY,
        codes::GIT_TRANSPORT_FAILED,
        &[
            "could not resolve host",
            "unable to access",
            "unable to connect",
            "unable to look up",
            "unable to find remote helper",
            "remote end hung up",
            "early eof",
            "rpc failed",
            "could not read from remote repository",
        ],
    ),
    (
        StatusCode::NOT_FOUND,
        codes::GIT_BRANCH_NOT_FOUND,
        &["could not resolve"],
    ),
    (
        StatusCode::FORBIDDEN,
        codes::FILE_ACCESS_DENIED,
        &["read-only file system", "permission denied"],
    ),
];

/// The refusal of a run that ended with this code and said this.
pub(super) fn of(exit_code: i32, text: &str) -> Fault {
    let lower = text.to_lowercase();
    let message = message(exit_code, text);
    let said = |complaint: &str| complaint.split('…').all(|part| lower.contains(part));
    let known = KNOWN
        .iter()
        .find(|(.., complaints)| complaints.iter().any(|complaint| said(complaint)));
    match known {
        Some((status, code, _)) => Fault::new(*status, message).code(code),
        // Ended from outside, such as for want of memory.
        None if !(0..=128).contains(&exit_code) => Fault::internal(message),
        None => Fault::bad_request(message),
    }
}

/// Git's own words, without its advice and its progress.
fn message(exit_code: i32, text: &str) -> String {
    let said: Vec<&str> = text
        .lines()
        .map(|line| line.rsplit('\r').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty() && !line.starts_with("hint:"))
        .collect();
    let telling = |line: &str| {
        ["fatal:", "error:", "remote:", "! [", "CONFLICT"]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let mut lines: Vec<&str> = said.iter().copied().filter(|line| telling(line)).collect();
    if lines.is_empty() {
        lines = said;
    }
    let shown: String = lines.join("\n").chars().take(SHOWN).collect();
    if shown.is_empty() {
        format!("git ended with the code {exit_code} and said nothing")
    } else {
        shown
    }
}

/// The refusal of a run that did not start.
pub(super) fn not_started(reason: &str) -> Fault {
    if reason.contains("there is no program git") {
        return Fault::bad_request(
            "This sandbox has no git. Install git on the machine that runs the engine; it then is in every sandbox.",
        );
    }
    Fault::bad_request(format!("git could not be started: {reason}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(text: &str) -> (u16, String) {
        let body = of(128, text).body("POST", "/toolbox/x/git/push");
        (body.status_code, body.code.unwrap())
    }

    #[test]
    fn what_git_says_becomes_daytonas_codes() {
        for (text, status, code) in [
            (
                "fatal: Authentication failed for 'http://h/r/'",
                401,
                "GIT_AUTH_FAILED",
            ),
            (
                "fatal: could not read Username for 'https://h': terminal prompts disabled",
                401,
                "GIT_AUTH_FAILED",
            ),
            (
                "fatal: unable to access 'http://h/': The requested URL returned error: 403",
                403,
                "FORBIDDEN",
            ),
            (
                "fatal: repository 'http://h/r/' not found",
                404,
                "GIT_REPO_NOT_FOUND",
            ),
            (
                "fatal: not a git repository (or any of the parent directories): .git",
                404,
                "GIT_REPO_NOT_FOUND",
            ),
            (
                "fatal: 'origin' does not appear to be a git repository\nfatal: Could not read from remote repository.",
                404,
                "GIT_REPO_NOT_FOUND",
            ),
            (
                "warning: x\nfatal: Remote branch no not found in upstream origin",
                404,
                "GIT_BRANCH_NOT_FOUND",
            ),
            ("fatal: invalid reference: nope", 404, "GIT_BRANCH_NOT_FOUND"),
            ("error: branch 'yy' not found", 404, "GIT_BRANCH_NOT_FOUND"),
            (
                "error: src refspec refs/heads/x does not match any\nerror: failed to push some refs to 'file:///x'",
                404,
                "GIT_BRANCH_NOT_FOUND",
            ),
            (
                "fatal: a branch named 'x' already exists",
                409,
                "GIT_BRANCH_EXISTS",
            ),
            (
                " ! [rejected]        x -> x (fetch first)\nerror: failed to push some refs to 'u'\nhint: Updates were",
                409,
                "GIT_PUSH_REJECTED",
            ),
            (
                "remote: no\n ! [remote rejected] x -> x (pre-receive hook declined)",
                422,
                "GIT_REMOTE_REJECTED",
            ),
            (
                "error: Your local changes to the following files would be overwritten by checkout:\n\ta",
                409,
                "GIT_DIRTY_WORKTREE",
            ),
            (
                "CONFLICT (content): Merge conflict in a\nAutomatic merge failed; fix conflicts",
                409,
                "GIT_MERGE_CONFLICT",
            ),
            (
                "fatal: unable to access 'http://h/': Could not resolve host: h",
                502,
                "GIT_TRANSPORT_FAILED",
            ),
            (
                "fatal: the remote end hung up unexpectedly",
                502,
                "GIT_TRANSPORT_FAILED",
            ),
            (
                "fatal: pathspec 'x' did not match any files",
                404,
                "FILE_NOT_FOUND",
            ),
            (
                "On branch main\nnothing to commit, working tree clean",
                400,
                "BAD_REQUEST",
            ),
        ] {
            assert_eq!(told(text), (status, code.to_owned()), "{text}");
        }
        assert_eq!(of(137, "").body("GET", "/toolbox/x").status_code, 500);
    }

    #[test]
    fn the_message_is_what_git_says_and_not_what_it_advises() {
        let text = "To u\nReceiving: 1%\rReceiving: 2%\n ! [rejected] x -> x\nerror: failed\nhint: do this\n";
        assert_eq!(message(1, text), "! [rejected] x -> x\nerror: failed");
        assert_eq!(message(1, "nothing to commit\n"), "nothing to commit");
        assert!(message(5, "\n").contains("code 5"));
        assert_eq!(message(1, &"fatal: x".repeat(9999)).chars().count(), SHOWN);
    }

    proptest! {
        #[test]
        fn any_text_becomes_a_refusal(code in any::<i32>(), text in "\\PC{0,200}") {
            let body = of(code, &text).body("GET", "/toolbox/x/git/status");
            prop_assert!(body.status_code >= 400);
        }
    }
}
