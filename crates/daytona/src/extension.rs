//! Names of what Pitlane's engine adds to Daytona's protocol. Each is asked
//! for by a header, a query or a key that Daytona ignores, so the client needs
//! not know whom it talks to.

/// Header by which the client asks for, and the engine confirms, another
/// framing of a followed log.
pub const LOG_HEADER: &str = "x-pitlane-log";
/// Value of [`LOG_HEADER`]: records as in [`crate::wire::frames`].
pub const LOG_FRAMES_V1: &str = "frames-v1";
/// Begins the reason of the close frame of an exact log that was sent to its end; the offset of that
/// end follows. A close without it may be anybody's who stands between.
const LOG_END: &str = "end ";
/// Query of a followed log: the first byte wanted of the command's merged output.
pub const LOG_OFFSET: &str = "offset";
/// Query of `DELETE /process/session/{id}`: milliseconds between SIGTERM and SIGKILL.
pub const GRACE_MS: &str = "graceMs";
/// Header of that call's answer: how many processes were ended.
pub const ENDED_HEADER: &str = "x-pitlane-ended";
/// Header of that call's answer: how many are left, counted after the end.
pub const LEFT_HEADER: &str = "x-pitlane-left";
/// Path of the toolbox's call for a list of packages, see [`crate::InstallPackages`].
/// It is there where the sandbox's facts say so.
pub const PACKAGES: [&str; 2] = ["pitlane", "packages"];
/// What the command of that call is called in its session.
pub const PACKAGES_COMMAND: &str = "install packages";

/// The reason of the close frame of an exact log that ends at this offset.
#[must_use]
pub fn log_end_reason(offset: u64) -> String {
    format!("{LOG_END}{offset}")
}

/// The end that a close frame's reason tells, if it tells one.
#[must_use]
pub fn log_end(reason: &str) -> Option<u64> {
    reason.strip_prefix(LOG_END)?.parse().ok()
}
