//! What travels as JSON, one file per resource.
//!
//! Both sides of the wire use these types: the client of this crate and the
//! embedded engine, so every type reads and writes. Reading is tolerant, as
//! the official SDKs are (unknown keys and unknown words of an enumeration are
//! accepted, optional fields may be null); writing is strict, because
//! Daytona's Python SDK checks each required field and its exact type.

mod access;
mod account;
mod chart;
mod create_sandbox;
mod event;
mod fault;
mod file;
mod git;
mod interpreter;
mod lsp;
mod number;
mod packages;
mod place;
mod process;
mod pty;
mod registry;
mod sandbox;
mod sandbox_list;
mod secret;
mod service;
mod session;
mod snapshot;
mod telemetry;
mod volume;
mod warm_pool;

pub use access::{
    Address, CreateSandboxSnapshot, ForkSandbox, LastActivity, NetworkSettings, PortPreview, ResizeSandbox,
    SandboxSecrets, SignedPortPreview, SshAccess, SshAccessValidation,
};
pub use account::{
    ApiKey, CreateApiKey, CreatedApiKey, Organization, OrganizationUsage, Region, RegionUsage, User,
};
pub use chart::{Chart, ChartElement};
pub use create_sandbox::{CreateBuildInfo, CreateSandbox};
pub use event::{SandboxDesiredStateUpdated, SandboxStateUpdated, events};
pub use fault::{ErrorBody, codes};
pub use file::{
    BulkDownloadRequest, BulkUploadErrors, BulkUploadResponse, FileInfo, FoundMatch, ReplaceRequest,
    ReplaceResult, SearchResponse, UploadedFile,
};
pub use git::{
    GitAdd, GitAddRemote, GitBranch, GitBranches, GitCheckout, GitClone, GitCommit, GitCommitHash,
    GitCommitInfo, GitConfigValue, GitCredentials, GitFileState, GitFileStatus, GitInit, GitRemote,
    GitRemotes, GitReset, GitRestore, GitSetConfig, GitStatus, GitTransfer, GitUser,
};
pub use interpreter::{
    CreateContext, InterpreterContext, InterpreterContexts, InterpreterMessage, InterpreterMessageKind,
    InterpreterRun,
};
pub use lsp::{
    LspCompletion, LspCompletionContext, LspCompletionParams, LspCompletions, LspDocument, LspLocation,
    LspPosition, LspRange, LspServer, LspSymbol,
};
pub use packages::InstallPackages;
pub use place::{PortInUse, PortList, SystemMetrics, ToolboxVersion, UpdateEnv};
pub use process::{CodeRunArtifacts, CodeRunRequest, CodeRunResponse, ExecuteRequest, ExecuteResponse};
pub use pty::{PtyControl, PtyCreate, PtyCreated, PtyExit, PtyResize, PtySession, PtySessions, PtyStatus};
pub use registry::{DockerRegistry, StorageAccess, WriteDockerRegistry};
pub use sandbox::{
    BuildInfo, DesiredState, LANGUAGE_LABEL, PitlaneFacts, Sandbox, SandboxLabels, SandboxState,
    SandboxVolume,
};
pub use sandbox_list::{ListSandboxes, SandboxPage};
pub use secret::{CreateSecret, ListSecrets, Secret, SecretPage, UpdateSecret};
pub use service::{Directory, Health, ServiceConfig, ToolboxProxyUrl};
pub use session::{
    Command, CommandLogs, CreateSession, InputRequest, Session, SessionExecuteRequest, SessionExecuteResponse,
};
pub use snapshot::{CreateSnapshot, ListSnapshots, Snapshot, SnapshotPage, SnapshotState};
pub use telemetry::{
    MetricPoint, MetricSeries, TelemetryLog, TelemetryLogs, TelemetryMetrics, TelemetrySpan, TelemetryTrace,
    TelemetryTraces,
};
pub use volume::{CreateVolume, Volume, VolumeState};
pub use warm_pool::{CreateWarmPool, UpdateWarmPool, WarmPool};
