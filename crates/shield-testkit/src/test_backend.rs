//! A backend as a process of its own, as a release would start it.

use std::env;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use thiserror::Error;

use crate::backend::BackendOptions;
use crate::port::free_port;
use crate::process::{ProcessError, ProcessGuard};

/// Names the program `testkit-backend`; wins over looking beside the current program.
pub const BACKEND_PROGRAM_VARIABLE: &str = "SHIELD_TESTKIT_BACKEND";

/// A running `testkit-backend`, killed when this is dropped.
#[derive(Debug)]
pub struct TestBackend {
    /// The process.
    pub process: ProcessGuard,
    address: SocketAddr,
}

/// The backend did not start.
#[derive(Debug, Error)]
pub enum SpawnBackendError {
    /// The program was not found.
    #[error(
        "find `testkit-backend`: not beside `{}` and `SHIELD_TESTKIT_BACKEND` is not set; \
         `cargo build -p shield-testkit` makes it", current.display()
    )]
    ProgramMissing {
        /// The program that looked.
        current: PathBuf,
    },
    /// The process was not started.
    #[error("start `{}`", program.display())]
    Start {
        /// Which program.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The process could not be guarded.
    #[error("guard the started backend")]
    Guard {
        /// Why.
        #[source]
        source: ProcessError,
    },
}

/// Where `testkit-backend` is: named by [`BACKEND_PROGRAM_VARIABLE`], or in the directory of the current program, or in
/// its parent (test programs live in `deps/`). Tests of this package pass `env!("CARGO_BIN_EXE_testkit-backend")`
/// instead; for other packages cargo builds no program of this one, so `scripts/test` builds it first.
pub fn backend_program() -> Result<PathBuf, SpawnBackendError> {
    if let Some(program) = env::var_os(BACKEND_PROGRAM_VARIABLE) {
        return Ok(program.into());
    }
    let current = env::current_exe().unwrap_or_default();
    let beside = current.ancestors().skip(1).take(2).map(|directory| directory.join("testkit-backend"));
    beside.into_iter().find(|program| program.is_file()).ok_or(SpawnBackendError::ProgramMissing { current })
}

// === impl TestBackend ===

impl TestBackend {
    /// Starts `program`; a port of 0 is replaced by a free one. Returns before the backend listens: wait for that.
    pub fn spawn(program: &Path, options: &BackendOptions) -> Result<Self, SpawnBackendError> {
        let mut options = options.clone();
        if options.port == 0 {
            options.port = free_port();
        }
        let child = Command::new(program)
            .args(options.to_arguments())
            .stdin(Stdio::null())
            .spawn()
            .map_err(|source| SpawnBackendError::Start { program: program.to_owned(), source })?;
        let process = ProcessGuard::of_child(child).map_err(|source| SpawnBackendError::Guard { source })?;
        Ok(Self { process, address: SocketAddr::new(options.address, options.port) })
    }

    /// Where it listens, or will.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
