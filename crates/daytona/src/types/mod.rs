//! What travels as JSON, one file per resource.
//!
//! Both sides of the wire use these types: the client of this crate and the
//! embedded engine, so every type reads and writes. Reading is tolerant, as
//! the official SDKs are (unknown keys and unknown words of an enumeration are
//! accepted, optional fields may be null); writing is strict, because
//! Daytona's Python SDK checks each required field and its exact type.

mod account;
mod create_sandbox;
mod fault;
mod file;
mod number;
mod process;
mod sandbox;
mod sandbox_list;
mod service;
mod session;

pub use account::{
    ApiKey, CreateApiKey, CreatedApiKey, Organization, OrganizationUsage, Region, RegionUsage, User,
};
pub use create_sandbox::{CreateBuildInfo, CreateSandbox};
pub use fault::{ErrorBody, codes};
pub use file::{
    BulkDownloadRequest, BulkUploadErrors, BulkUploadResponse, FileInfo, FoundMatch, ReplaceRequest,
    ReplaceResult, SearchResponse, UploadedFile,
};
pub use process::{CodeRunArtifacts, CodeRunRequest, CodeRunResponse, ExecuteRequest, ExecuteResponse};
pub use sandbox::{
    BuildInfo, DesiredState, LANGUAGE_LABEL, PitlaneFacts, Sandbox, SandboxLabels, SandboxState,
    SandboxVolume,
};
pub use sandbox_list::{ListSandboxes, SandboxPage};
pub use service::{Directory, Health, ServiceConfig, ToolboxProxyUrl};
pub use session::{
    Command, CommandLogs, CreateSession, InputRequest, Session, SessionExecuteRequest, SessionExecuteResponse,
};
