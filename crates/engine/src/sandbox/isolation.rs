//! Which walls a sandbox has here, what enforces each limit, and why not more.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the operator asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IsolationChoice {
    /// The best rung that works, or refuse.
    #[default]
    Auto,
    /// Namespaces or refuse.
    Namespaces,
    /// Landlock or refuse.
    Landlock,
    /// No wall at all; for trying things out with code one wrote oneself.
    UnsafeNone,
}

impl std::str::FromStr for IsolationChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "namespaces" => Ok(Self::Namespaces),
            "landlock" => Ok(Self::Landlock),
            "unsafe-none" => Ok(Self::UnsafeNone),
            other => Err(format!(
                "The isolation \"{other}\" is not known: use auto, namespaces, landlock or unsafe-none."
            )),
        }
    }
}

/// A rung of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Namespaces made with the host's privileges, an own host uid for each
    /// sandbox, no user namespace.
    NamespacesRoot,
    /// The same inside a user namespace.
    NamespacesUser,
    /// As `NamespacesUser`, without `/proc`: a container masks it.
    NamespacesUserNoProc,
    /// Landlock and seccomp only: reduced isolation.
    Landlock,
    /// No wall.
    UnsafeNone,
}

impl Level {
    /// Whether sandboxes have file systems, processes and networks of their own.
    #[must_use]
    pub fn has_namespaces(self) -> bool {
        matches!(
            self,
            Self::NamespacesRoot | Self::NamespacesUser | Self::NamespacesUserNoProc
        )
    }

    /// Whether sandboxes have a user namespace of their own.
    #[must_use]
    pub fn needs_user_namespace(self) -> bool {
        matches!(self, Self::NamespacesUser | Self::NamespacesUserNoProc)
    }

    /// The name shown in the API, the site and the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NamespacesRoot => "namespaces-root",
            Self::NamespacesUser => "namespaces-user",
            Self::NamespacesUserNoProc => "namespaces-user-noproc",
            Self::Landlock => "landlock",
            Self::UnsafeNone => "unsafe-none",
        }
    }
}

/// What holds a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcer {
    /// Control groups, version 2.
    CgroupV2,
    /// Control groups, version 1.
    CgroupV1,
    /// A limit of the kernel on each process or user.
    Rlimit,
    /// The engine looks, many times a second and for disks every few seconds, and
    /// ends what is over.
    Watchdog,
    /// The size of the file system.
    FileSystem,
    /// A lower priority and fewer processors; not a hard bound.
    Priority,
    /// Nothing.
    Nothing,
}

/// How programs in sandboxes get out, where they may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wiring {
    /// They have nothing but their own loopback device.
    #[default]
    Off,
    /// Through the engine's HTTP proxy, which the usual variables name.
    Proxy,
    /// Through a network device of their own: every program has a network.
    Tun,
}

impl Wiring {
    /// The word shown in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Proxy => "proxy",
            Self::Tun => "tun",
        }
    }
}

/// A rung that did not work, and what would mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The rung.
    pub level: Level,
    /// What happened when it was tried.
    pub reason: String,
    /// The command or setting that mends it.
    pub remedy: String,
}

/// The walls in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Isolation {
    /// The rung in use.
    pub level: Level,
    /// What holds the memory limit.
    pub memory: Enforcer,
    /// What holds the number of processes.
    pub processes: Enforcer,
    /// What holds the processor time.
    pub cpu: Enforcer,
    /// What holds disk bytes and file counts of a home that is kept; one that is
    /// not is in memory where there are namespaces, and has a file system.
    pub disk: Enforcer,
    /// Rungs above the one in use, and why they did not work.
    pub refused: Vec<Refusal>,
}

impl fmt::Display for Isolation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.level.name())
    }
}

/// What came of trying rung by rung.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The walls in use; `None` means the engine refuses to start.
    pub isolation: Option<Isolation>,
    /// Every rung that did not work.
    pub refused: Vec<Refusal>,
    /// How programs would get out, where they may.
    pub wiring: Wiring,
    /// Why there is no network device, and what would mend it.
    pub no_device: Option<String>,
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.isolation {
            Some(isolation) => write!(out, "Sandboxes are isolated by {isolation}.")?,
            None => {
                out.write_str("No way to isolate a sandbox works on this machine, so none is started.")?
            }
        }
        for refusal in &self.refused {
            write!(
                out,
                "\n{}: {}. {}",
                refusal.level.name(),
                refusal.reason,
                refusal.remedy
            )?;
        }
        Ok(())
    }
}
