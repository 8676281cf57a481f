//! Names of what Pitlane's engine adds to Daytona's protocol. Each is asked
//! for by a header, a query or a key that Daytona ignores, so the client needs
//! not know whom it talks to.

/// Header by which the client asks for, and the engine confirms, another
/// framing of a followed log.
pub const LOG_HEADER: &str = "x-pitlane-log";
/// Value of [`LOG_HEADER`]: records as in [`crate::wire::frames`].
pub const LOG_FRAMES_V1: &str = "frames-v1";
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
