//! Why a drill did not take place.

use shield_load::SessionError;
use shield_types::{EnvironmentName, settings::Mistakes};

use super::model::DrillName;
use crate::{admin::AdminError, durable::StateFileError, lock::TakeLockError};

/// A drill that did not take place, or whose end is not recorded.
#[derive(Debug, thiserror::Error)]
pub enum RunDrillError {
    /// `shield.toml` does not allow it.
    #[error("drill `{environment}`: shield.toml does not mark it as drillable")]
    NotMarked {
        /// Which environment.
        environment: EnvironmentName,
    },
    /// Only production has an edge.
    #[error("drill `{environment}`: it has no edge; only `production` can be drilled")]
    NoEdge {
        /// Which environment.
        environment: EnvironmentName,
    },
    /// Another pipeline or drill runs in this project.
    #[error("start the drill: {holder} is shipping or drilling this project")]
    Busy {
        /// Who.
        holder: String,
    },
    /// The lock that keeps pipelines and drills apart cannot be used.
    #[error("start the drill")]
    Lock {
        /// Which file, and why.
        #[source]
        source: StateFileError,
    },
    /// A release changes what would be drilled.
    #[error("start the drill: release {release}, requested by {requested_by}, is under way")]
    UnderWay {
        /// Which.
        release: String,
        /// Who asked for it.
        requested_by: String,
    },
    /// There is nothing to learn about.
    #[error("start the drill: no release is live")]
    NothingLive,
    /// A drill of what is broken already teaches nothing.
    #[error("start the drill: what is live is not healthy: {reason}")]
    Unhealthy {
        /// What is wrong.
        reason: String,
    },
    /// It cannot be done here.
    #[error("run drill `{drill}`: {reason}")]
    Unsuitable {
        /// Which.
        drill: DrillName,
        /// Why, and what would help.
        reason: String,
    },
    /// The load file of `drill.load` cannot be read.
    #[error("read the drill's load `{path}`: {reason}")]
    ReadLoad {
        /// Which file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The load file of `drill.load` is wrong.
    #[error("read the drill's load `{path}`")]
    Load {
        /// Which file.
        path: String,
        /// What is wrong with it.
        #[source]
        source: Mistakes,
    },
    /// The load or the guard did not start; nothing was broken.
    #[error("run drill `{drill}`")]
    Session {
        /// Which.
        drill: DrillName,
        /// Why.
        #[source]
        source: Box<SessionError>,
    },
    /// The control plane refused, or is gone.
    #[error("look at production")]
    Control {
        /// Why.
        #[source]
        source: AdminError,
    },
    /// What was found could not be recorded; without it the drill proves nothing.
    #[error("record the statement of drill `{drill}`: {reason}")]
    Evidence {
        /// Which.
        drill: DrillName,
        /// What is wrong with the log.
        reason: String,
    },
}

impl From<TakeLockError> for RunDrillError {
    fn from(error: TakeLockError) -> Self {
        match error {
            TakeLockError::Held { holder } => Self::Busy { holder },
            TakeLockError::File { source } => Self::Lock { source },
        }
    }
}
