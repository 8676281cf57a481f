//! How often clients may ask: Daytona's throttlers, with limits that honest
//! work on one's own machine never meets.
//!
//! Counted are calls of the control plane, each organization by itself, in
//! windows of a minute; a toolbox's calls end at the sandbox's own limits. Who
//! shows no valid key is counted by address, so that keys cannot be guessed.

mod calls;
mod strangers;
mod windows;

pub(crate) use calls::count;
pub(crate) use strangers::Peer;

use std::fmt;
use std::str::FromStr;

use windows::Windows;

/// How many calls are allowed in a minute; 0 allows any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Calls with a valid key, for each organization.
    pub authenticated: u32,
    /// Of these, sandboxes made.
    pub sandbox_create: u32,
    /// Of these, sandboxes started, stopped, deleted and changed otherwise.
    pub sandbox_lifecycle: u32,
    /// Calls without a valid key, for each address.
    pub failed_auth: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            authenticated: 600_000,
            sandbox_create: 60_000,
            sandbox_lifecycle: 120_000,
            failed_auth: 120,
        }
    }
}

impl FromStr for RateLimits {
    type Err = String;

    /// Reads words such as `sandbox-create=300,failed-auth=0`; what is not
    /// named keeps its default.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut limits = Self::default();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let (name, number) = word.split_once('=').unwrap_or((word, ""));
            let limit = match name.trim() {
                "authenticated" => &mut limits.authenticated,
                "sandbox-create" => &mut limits.sandbox_create,
                "sandbox-lifecycle" => &mut limits.sandbox_lifecycle,
                "failed-auth" => &mut limits.failed_auth,
                other => {
                    return Err(format!(
                        "there is no rate limit \"{other}\"; there are authenticated, sandbox-create, \
                         sandbox-lifecycle and failed-auth"
                    ));
                }
            };
            *limit = number.trim().parse().map_err(|_| {
                format!("the rate limit {name} must be a number of calls in a minute, as {name}=300")
            })?;
        }
        Ok(limits)
    }
}

impl fmt::Display for RateLimits {
    /// The words [`RateLimits::from_str`] reads.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "authenticated={},sandbox-create={},sandbox-lifecycle={},failed-auth={}",
            self.authenticated, self.sandbox_create, self.sandbox_lifecycle, self.failed_auth
        )
    }
}

/// What is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Throttler {
    Authenticated,
    SandboxCreate,
    SandboxLifecycle,
    FailedAuth,
}

impl Throttler {
    /// The end of its headers' names.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Authenticated => "authenticated",
            Self::SandboxCreate => "sandbox-create",
            Self::SandboxLifecycle => "sandbox-lifecycle",
            Self::FailedAuth => "failed-auth",
        }
    }
}

/// The counts of a running engine.
#[derive(Debug)]
pub(crate) struct Throttle {
    limits: RateLimits,
    windows: Windows,
}

impl Throttle {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self {
            limits,
            windows: Windows::default(),
        }
    }

    const fn limit(&self, throttler: Throttler) -> u32 {
        match throttler {
            Throttler::Authenticated => self.limits.authenticated,
            Throttler::SandboxCreate => self.limits.sandbox_create,
            Throttler::SandboxLifecycle => self.limits.sandbox_lifecycle,
            Throttler::FailedAuth => self.limits.failed_auth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_from_words() {
        let read = |text: &str| text.parse::<RateLimits>();
        assert_eq!(read(""), Ok(RateLimits::default()));
        let limits = read("sandbox-create=300, failed-auth = 0,").unwrap();
        assert_eq!((limits.sandbox_create, limits.failed_auth), (300, 0));
        assert_eq!(read(&limits.to_string()), Ok(limits));
        assert_eq!(limits.authenticated, RateLimits::default().authenticated);
        for odd in ["create=1", "failed-auth", "failed-auth=", "failed-auth=-1", "=1"] {
            assert!(read(odd).is_err(), "{odd}");
        }
    }
}
