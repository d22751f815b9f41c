//! The admin API: what the command line asks of the control plane, over a Unix socket of the same owner.
//!
//! HTTP with JSON; answers that take a while are lines of JSON (NDJSON), one per progress, the last one final.

mod client;
mod message;
mod server;

pub use client::StagingStream;
pub use client::{AdminClient, AdminError};
pub use message::{
    EdgeReport, InstanceReport, Progress, Refusal, RefusalKind, ReleaseOrder, RollbackOrder, StagingOrder,
    StagingReport, StatusReport, UnderwayReport,
};
pub(crate) use server::{AdminState, bind as bind_admin, serve};
